// What the quality report says of its sources: how much of the recording could be read, and whose
// names the kernel's frames have.
#pragma once

#include <string>
#include <string_view>

#include "collapse/fold_stats.h"

namespace fgread {

// For people: lines for what is missing of the recording (none if nothing is), and of where kernel
// frames have their names from (none if there are no such frames).
[[nodiscard]] std::string source_text(const FoldStats& stats);

// Stable identifiers as in --stats=json: "loaded", "unknown"...; "given", "build_id"...
[[nodiscard]] std::string_view kernel_names_key(KernelNames names);
[[nodiscard]] std::string_view kernel_source_key(KernelSource source);

}  // namespace fgread
