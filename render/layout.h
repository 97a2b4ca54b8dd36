// Layout: which frames of a FrameTree are drawn, and where.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "render/frame_tree.h"

namespace fgread {

// A frame to be drawn; x and width in the unit of the weights.
struct Box {
    TreeNodeId node;
    std::uint32_t depth;  // 0 is the root
    double x;
    double width;
    double self;
    double change;       // after - before, children included
    double self_change;  // the same without the children
};

struct LayoutOptions {
    double min_share = 0;            // of the whole width; narrower frames are left out
    std::uint32_t max_depth = 4096;  // a picture of 80,000 pixels' height; browsers draw that
    // If the boxes cost more than this, the narrowest are left out until they do not. 0: no limit.
    std::size_t max_cost = 0;
    // What a box of this name costs, in bytes of output. Called once a name.
    std::function<std::size_t(std::string_view)> cost;
};

struct Layout {
    std::vector<Box> boxes;  // a parent before its children, siblings from left to right
    double total = 0;        // the root's width
    std::uint32_t levels = 0;
    double greatest_change = 0;       // of the boxes but the root; without sign
    double greatest_self_change = 0;  // the same
    // Frames that were wide enough and are missing all the same.
    std::size_t left_out_for_cost = 0;
    std::size_t left_out_for_depth = 0;
    double narrowest = 0;  // width of the narrowest box, if some were left out for their cost
};

// Siblings stand in the byte order of their names (in time order if the tree keeps it), a frame's
// own weight to the left of its children: where sorted folded lines put them. Widths are the
// weights "after". Cost: O(nodes), and sorting the children of the drawn frames.
[[nodiscard]] Layout make_layout(const FrameTree& tree, const LayoutOptions& options);

}  // namespace fgread
