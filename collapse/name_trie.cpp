#include "collapse/name_trie.h"

namespace fgread {

namespace {

constexpr unsigned initial_bits = 10;

}  // namespace

StackId NameTrie::other_child(StackNode node) {
    if (in_slots_ * 2 >= slots_.size()) grow();
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = place_of(node);; at = (at + 1) & mask) {
        if (slots_[at] == no_stack) {
            ++in_slots_;
            return slots_[at] = add(node);
        }
        if (nodes_[slots_[at]] == node) return slots_[at];
    }
}

// The upper bits of the product: the lower ones depend on the label alone.
std::size_t NameTrie::place_of(const StackNode& node) const {
    const std::uint64_t key = std::uint64_t{node.parent} << 32 | node.label;
    return (key * 0x9e3779b97f4a7c15u) >> (64 - slot_bits_);
}

void NameTrie::grow() {
    slot_bits_ = slots_.empty() ? initial_bits : slot_bits_ + 1;
    std::vector<StackId> old(std::size_t{1} << slot_bits_, no_stack);
    old.swap(slots_);
    const std::size_t mask = slots_.size() - 1;
    for (const StackId stack : old) {
        if (stack == no_stack) continue;
        std::size_t at = place_of(nodes_[stack]);
        while (slots_[at] != no_stack) at = (at + 1) & mask;
        slots_[at] = stack;
    }
}

}  // namespace fgread
