// ChildIndex: the children of each node of a FrameTree, as ranges of one array.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "render/frame_tree.h"

namespace fgread {

// Children in the order of their numbers. A snapshot: of a tree that grows it knows the old part.
// 8 bytes a node.
class ChildIndex {
public:
    explicit ChildIndex(const FrameTree& tree);
    [[nodiscard]] std::span<const TreeNodeId> operator[](TreeNodeId parent) const {
        return std::span(children_).subspan(first_[parent], first_[parent + 1] - first_[parent]);
    }

private:
    std::vector<std::uint32_t> first_;  // by parent, and one more
    std::vector<TreeNodeId> children_;
};

}  // namespace fgread
