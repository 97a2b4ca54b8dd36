#include "collapse/rule_sources.h"

#include <optional>
#include <vector>

namespace fgread {

std::array<std::uint64_t, rule_source_count> count_rule_sources(const Profile& profile,
                                                                const ModuleCache& modules) {
    std::vector<std::optional<RuleSource>> known(profile.frames.size());
    const auto source_of = [&](FrameId id) {
        if (!known[id]) {
            const Frame& frame = profile.frames[id];
            const std::uint64_t before = frame.kind == FrameKind::return_address ? 1 : 0;
            known[id] = is_real(frame.module)
                            ? modules.rule_source(frame.module, Svma{frame.offset - before})
                            : RuleSource::none;
        }
        return *known[id];
    };
    std::array<std::uint64_t, rule_source_count> counts{};
    for (const StackWeight& weight : profile.weights) {
        StackId at = weight.stack;
        while (profile.stacks[at].parent != no_stack) {
            const FrameId callee = profile.stacks[at].label;
            at = profile.stacks[at].parent;
            if (profile.stacks[at].parent == no_stack) break;  // the root: no caller was found
            counts[static_cast<std::size_t>(source_of(callee))] += weight.samples;
        }
    }
    return counts;
}

}  // namespace fgread
