#include "collapse/stack_trie.h"

#include <algorithm>

namespace fgread {

namespace {

constexpr std::size_t initial_slots = 1024;
// To put all nodes in new places costs a cache miss each.
constexpr std::size_t growth = 4;

constexpr std::uint32_t hash_of_nothing = 0x9e3779b9;  // of 0 and label 0 it would be 0 again

// The upper half of a product whose lower half is wide enough to hold the hash: taken otherwise,
// the low bits of a recursion's hashes repeat after some steps, and all of it crowds in few places
// (100,000 calls of one function took 7 s).
std::uint32_t next_hash(std::uint32_t hash, std::uint32_t label) {
    const std::uint64_t key = std::uint64_t{label} << 32 | hash;
    return static_cast<std::uint32_t>((key * 0x9e3779b97f4a7c15u) >> 32);
}

}  // namespace

std::uint32_t StackTrie::hash_of(StackId parent, std::uint32_t label) const {
    return next_hash(parent == no_stack ? hash_of_nothing : hashes_[parent], label);
}

void StackTrie::descend(StackId parent, const std::vector<std::uint32_t>& labels,
                        std::vector<StackId>& stacks) {
    const std::size_t count = labels.size();
    // All that may be added: no place moves meanwhile.
    while ((nodes_.size() + count) * 2 >= slots_.size()) {
        index_all(std::max(slots_.size() * growth, initial_slots));
    }
    path_.resize(count);
    stacks.resize(count);
    std::uint32_t hash = parent == no_stack ? hash_of_nothing : hashes_[parent];
    for (std::size_t i = 0; i < count; ++i) {
        hash = path_[i] = next_hash(hash, labels[i]);
        __builtin_prefetch(&slots_[hash & (slots_.size() - 1)]);
    }
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint32_t slot = slots_[path_[i] & (slots_.size() - 1)];
        if (slot != 0) __builtin_prefetch(&nodes_[slot - 1]);
    }
    for (std::size_t i = 0; i < count; ++i) {
        parent = stacks[i] = find_or_add({parent, labels[i]}, path_[i]);
    }
}

StackId StackTrie::find_or_add(StackNode node, std::uint32_t hash) {
    if (nodes_.size() * 2 >= slots_.size()) {
        index_all(std::max(slots_.size() * growth, initial_slots));
    }
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
        const std::uint32_t slot = slots_[at];
        if (slot == 0) {
            nodes_.push_back(node);
            hashes_.push_back(hash);
            slots_[at] = static_cast<std::uint32_t>(nodes_.size());
            return static_cast<StackId>(nodes_.size() - 1);
        }
        if (nodes_[slot - 1] == node) return slot - 1;
    }
}

void StackTrie::cut_to(std::size_t count) {
    nodes_.resize(count);
    hashes_.resize(count);
    index_all(slots_.size());
}

void StackTrie::index_all(std::size_t slots) {
    slots_.assign(slots, 0);
    for (std::size_t id = 0; id < nodes_.size(); ++id) {
        std::size_t at = hashes_[id] & (slots - 1);
        while (slots_[at] != 0) at = (at + 1) & (slots - 1);
        slots_[at] = static_cast<std::uint32_t>(id + 1);
    }
}

}  // namespace fgread
