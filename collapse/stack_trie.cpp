#include "collapse/stack_trie.h"

#include "collapse/hash_mix.h"

namespace fgread {

namespace {

constexpr std::size_t initial_slots = 1024;

std::uint64_t hash_of(const StackNode& node) {
    return hash_mix((std::uint64_t{node.parent} << 32) | node.label);
}

}  // namespace

StackId StackTrie::find_or_add(StackId parent, std::uint32_t label) {
    if (nodes_.size() * 2 >= slots_.size()) grow();
    const StackNode node{parent, label};
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = hash_of(node) & mask;; at = (at + 1) & mask) {
        const std::uint32_t slot = slots_[at];
        if (slot == 0) {
            nodes_.push_back(node);
            recent_children_.push_back(no_stack);
            slots_[at] = static_cast<std::uint32_t>(nodes_.size());
            return static_cast<StackId>(nodes_.size() - 1);
        }
        if (nodes_[slot - 1] == node) return slot - 1;
    }
}

void StackTrie::grow() {
    const std::size_t size = slots_.empty() ? initial_slots : slots_.size() * 2;
    slots_.assign(size, 0);
    for (std::size_t id = 0; id < nodes_.size(); ++id) {
        std::size_t at = hash_of(nodes_[id]) & (size - 1);
        while (slots_[at] != 0) at = (at + 1) & (size - 1);
        slots_[at] = static_cast<std::uint32_t>(id + 1);
    }
}

}  // namespace fgread
