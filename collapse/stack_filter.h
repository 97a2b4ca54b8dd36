// Which stacks are shown, by the names of their frames.
#pragma once

#include <string>
#include <vector>

#include "collapse/frame_names.h"
#include "collapse/profile.h"
#include "perfdata/result.h"

namespace fgread {

// Extended regular expressions (POSIX), found anywhere in a name; root frames count too.
struct StackFilter {
    std::vector<std::string> include;  // only stacks with a frame that one of these matches
    std::vector<std::string> exclude;  // none with such a frame; goes before `include`
    [[nodiscard]] bool empty() const { return include.empty() && exclude.empty(); }
};

// Whether all expressions are valid; the error says which is not, and why.
[[nodiscard]] Result<void> check_filter(const StackFilter& filter);

// Removes the weights, and the samples of the timeline, of stacks that are not to be shown.
// `filter` was checked. Cost: one match for each distinct name and expression, one visit per node
// of the trie.
void filter_stacks(Profile& profile, FrameNames& names,
                   const std::vector<std::vector<std::string>>& group_labels,
                   const StackFilter& filter);

}  // namespace fgread
