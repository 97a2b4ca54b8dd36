// How stacks by name are cut and turned before they are shown.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "collapse/name_tree.h"

namespace fgread {

// Applied in this order.
struct StackShape {
    bool fold_recursion = false;    // a function that calls itself directly is one frame
    std::vector<std::string> base;  // cut what is before the outermost frame of such a name
    bool reverse = false;           // the leaf becomes the root
    std::size_t max_depth = 0;      // frames from the root that are kept, it included; 0: all
    [[nodiscard]] bool empty() const {
        return !fold_recursion && base.empty() && !reverse && max_depth == 0;
    }
};

// Stacks that become equal are added up; the sum of weights stays. Stacks without a frame of `base`
// stay whole. Cost: one step for each frame of each distinct stack.
[[nodiscard]] NameTree shaped(const NameTree& tree, const FrameNames& names,
                              const StackShape& shape);

}  // namespace fgread
