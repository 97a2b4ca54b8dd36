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

// Not thread-safe. 12 bytes a node and 8 to 32 of index.
class StackTrie {
public:
    // The stack that is `parent` with `label` called on top; new or known. Amortised O(1).
    StackId child(StackId parent, std::uint32_t label) {
        return find_or_add({parent, label}, hash_of(parent, label));
    }
    StackId root(std::uint32_t label) { return child(no_stack, label); }
    // The same for a path of labels: `stacks` is replaced by the stack at each of them. A large
    // trie is in no cache; of a path all places are asked for before the first is needed, which
    // halves the time.
    void descend(StackId parent, const std::vector<std::uint32_t>& labels,
                 std::vector<StackId>& stacks);

    // Forgets all but the first `count` stacks.
    void cut_to(std::size_t count);

    [[nodiscard]] const StackNode& operator[](StackId id) const { return nodes_[id]; }
    [[nodiscard]] std::size_t size() const { return nodes_.size(); }
    [[nodiscard]] const std::vector<StackNode>& nodes() const { return nodes_; }

private:
    // Of all labels from the root on, so that no node is needed to know where the next one is.
    [[nodiscard]] std::uint32_t hash_of(StackId parent, std::uint32_t label) const;
    StackId find_or_add(StackNode node, std::uint32_t hash);
    void index_all(std::size_t slots);

    std::vector<StackNode> nodes_;
    std::vector<std::uint32_t> hashes_;  // of each node
    std::vector<std::uint32_t> slots_;   // id + 1, 0 is free; a power of two, at most half full
    std::vector<std::uint32_t> path_;    // of descend(): hashes
};

}  // namespace fgread
