// A FrameTree from text, and pictures of it as text: for the tests of render/.
#pragma once

#include <string>
#include <string_view>

#include "render/folded_reader.h"
#include "render/frame_tree.h"
#include "render/picture.h"
#include "render/text_sink.h"

namespace fgread {

inline FrameTree tree_of(std::string_view text, FoldedOptions options = {}) {
    FrameTree tree;
    FoldedReader reader(tree, options);
    reader.feed(text);
    reader.finish();
    return tree;
}

// All stacks with their own weights: "a;b 3\n", in the order of the nodes.
inline std::string stacks_of(const FrameTree& tree, Side side = Side::after) {
    std::string text;
    for (TreeNodeId node = 0; node < tree.size(); ++node) {
        if (tree.self(node, side) == 0) continue;
        std::string stack;
        for (TreeNodeId up = node; up != tree_root; up = tree[up].parent) {
            stack.insert(0, std::string(tree.name(tree[up].name)) + (stack.empty() ? "" : ";"));
        }
        text += stack + " " + shown_count(tree.self(node, side)) + "\n";
    }
    return text;
}

// What `write` (write_svg, write_html) gives.
template <class Write>
std::string text_of(Write write, const FrameTree& tree, const PictureOptions& options = {}) {
    std::string text;
    write(tree, options, [&](std::string_view piece) {
        text += piece;
        return true;
    });
    return text;
}

inline std::size_t count_of(std::string_view text, std::string_view part) {
    std::size_t count = 0;
    for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++count;
    return count;
}

}  // namespace fgread
