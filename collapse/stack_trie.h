// StackTrie: every distinct stack once, as the path from a node to its root.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace fgread {

// Number of a distinct stack, dense from 0; a node's parent always has a smaller number.
using StackId = std::uint32_t;
inline constexpr StackId no_stack = 0xffffffff;

struct StackNode {
    StackId parent;       // no_stack for a root
    std::uint32_t label;  // what the caller says: a FrameId, or the number of a group for a root
    friend bool operator==(const StackNode&, const StackNode&) = default;
};

// Not thread-safe. 12 bytes a node and 8 of index.
class StackTrie {
public:
    // The stack that is `parent` with `label` called on top; new or known. Amortised O(1). Stacks
    // that follow a path taken before cost one look at each node: paths are made in one go, so that
    // their nodes lie side by side.
    StackId child(StackId parent, std::uint32_t label) {
        if (parent == no_stack) return find_or_add(parent, label);
        const StackId recent = recent_children_[parent];
        if (recent != no_stack && nodes_[recent].label == label) return recent;
        const StackId id = find_or_add(parent, label);
        recent_children_[parent] = id;
        return id;
    }
    StackId root(std::uint32_t label) { return child(no_stack, label); }

    [[nodiscard]] const StackNode& operator[](StackId id) const { return nodes_[id]; }
    [[nodiscard]] std::size_t size() const { return nodes_.size(); }
    [[nodiscard]] const std::vector<StackNode>& nodes() const { return nodes_; }

private:
    StackId find_or_add(StackId parent, std::uint32_t label);
    void grow();

    std::vector<StackNode> nodes_;
    std::vector<StackId> recent_children_;  // of each node: the child that was asked for last
    std::vector<std::uint32_t> slots_;  // id + 1, 0 is free; a power of two, at most half full
};

}  // namespace fgread
