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

// Not thread-safe. 8 bytes a node, and 8 to 16 of index for each that was not added right after its
// parent.
class StackTrie {
public:
    // The stack that is `parent` with `label` called on top; new or known. Amortised O(1).
    StackId child(StackId parent, std::uint32_t label) {
        // What a new stack adds to those known has numbers in a row, and stands so in memory.
        const StackId next = parent + 1;  // of no_stack: 0
        const StackNode node{parent, label};
        if (next < nodes_.size() && nodes_[next] == node) return next;
        return next == nodes_.size() ? add(node) : other_child(node);
    }
    StackId root(std::uint32_t label) { return child(no_stack, label); }

    // Forgets all but the first `count` stacks.
    void cut_to(std::size_t count);

    [[nodiscard]] const StackNode& operator[](StackId id) const { return nodes_[id]; }
    [[nodiscard]] std::size_t size() const { return nodes_.size(); }
    [[nodiscard]] const std::vector<StackNode>& nodes() const { return nodes_; }

private:
    StackId add(StackNode node) {
        nodes_.push_back(node);
        return static_cast<StackId>(nodes_.size() - 1);
    }
    StackId other_child(StackNode node);
    void index_all(std::size_t slots);

    std::vector<StackNode> nodes_;
    // Of the nodes that do not follow their parents: id + 1, 0 is free; a power of two, at most
    // half full.
    std::vector<std::uint32_t> slots_;
    std::size_t in_slots_ = 0;
};

}  // namespace fgread
