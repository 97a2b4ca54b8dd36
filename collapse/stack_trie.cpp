#include "collapse/stack_trie.h"

#include <algorithm>

namespace fgread {

namespace {

constexpr std::size_t initial_slots = 1024;
constexpr std::size_t growth = 2;

// The upper half of the product: the lower bits depend on the label alone.
std::size_t hash_of(const StackNode& node) {
    const std::uint64_t key = std::uint64_t{node.parent} << 32 | node.label;
    return (key * 0x9e3779b97f4a7c15u) >> 32;
}

}  // namespace

StackId StackTrie::other_child(StackNode node) {
    if (in_slots_ * 2 >= slots_.size()) index_all(std::max(slots_.size() * growth, initial_slots));
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = hash_of(node) & mask;; at = (at + 1) & mask) {
        const std::uint32_t slot = slots_[at];
        if (slot == 0) {
            const StackId id = add(node);
            slots_[at] = id + 1;
            ++in_slots_;
            return id;
        }
        if (nodes_[slot - 1] == node) return slot - 1;
    }
}

void StackTrie::cut_to(std::size_t count) {
    nodes_.resize(count);
    index_all(slots_.size());
}

void StackTrie::index_all(std::size_t slots) {
    slots_.assign(slots, 0);
    in_slots_ = 0;
    for (std::size_t id = 0; id < nodes_.size(); ++id) {
        if (static_cast<StackId>(nodes_[id].parent + 1) == id) continue;
        std::size_t at = hash_of(nodes_[id]) & (slots - 1);
        while (slots_[at] != 0) at = (at + 1) & (slots - 1);
        slots_[at] = static_cast<std::uint32_t>(id + 1);
        ++in_slots_;
    }
}

}  // namespace fgread
