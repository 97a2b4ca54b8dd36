// NameTrie: stacks of names, each once, as the path from a node to its root.
//
// As StackTrie, but for one that is made once, of stacks that are there already: nearly every call
// of child() makes a node, and nearly every node is the first child of its parent. Such a child is
// found by its parent, and only the others, a third of them, by a hash table, which so stays in the
// cache.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "collapse/stack_trie.h"

namespace fgread {

// Not thread-safe. 12 bytes a node, and 8 to 16 of index for those that are not first children.
class NameTrie {
public:
    // The stack that is `parent` with `label` called on top; new or known. Amortised O(1).
    StackId child(StackId parent, std::uint32_t label) {
        StackId& first = parent == no_stack ? first_root_ : first_child_[parent];
        if (first == no_stack) {
            // The reference ends with the call: the node is added behind it.
            first = static_cast<StackId>(nodes_.size());
            return add({parent, label});
        }
        return nodes_[first].label == label ? first : other_child({parent, label});
    }
    StackId root(std::uint32_t label) { return child(no_stack, label); }

    // Room for so many nodes, if that is known.
    void reserve(std::size_t count) {
        nodes_.reserve(count);
        first_child_.reserve(count);
    }

    [[nodiscard]] const StackNode& operator[](StackId id) const { return nodes_[id]; }
    [[nodiscard]] std::size_t size() const { return nodes_.size(); }

private:
    StackId add(StackNode node) {
        nodes_.push_back(node);
        first_child_.push_back(no_stack);
        return static_cast<StackId>(nodes_.size() - 1);
    }
    StackId other_child(StackNode node);
    [[nodiscard]] std::size_t place_of(const StackNode& node) const;
    void grow();

    std::vector<StackNode> nodes_;
    std::vector<StackId> first_child_;  // by node
    StackId first_root_ = no_stack;
    // Of the children that are no first ones.
    std::vector<StackId> slots_;  // a power of two, at most half full
    std::size_t in_slots_ = 0;
    unsigned slot_bits_ = 0;
};

}  // namespace fgread
