// From which tables the frames of a profile come.
#pragma once

#include <array>
#include <cstdint>

#include "collapse/profile.h"
#include "symbols/module_cache.h"

namespace fgread {

// User frames by the RuleSource of the frame they called, counted in all samples' stacks. Those
// that no rule found count as `none`: by other ways, or recorded, not walked. Cost: one visit per
// node of each distinct stack, and a look-up of each distinct frame.
[[nodiscard]] std::array<std::uint64_t, rule_source_count> count_rule_sources(
    const Profile& profile, const ModuleCache& modules);

}  // namespace fgread
