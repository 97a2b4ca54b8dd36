// PersistentRanges: disjoint address ranges in a balanced tree that keeps all its versions.
//
// A version is a root. Changing one leaves it as it was and gives a new root that shares all but
// O(log n) nodes with it:
//
//      version 1     version 2: [c) mapped anew
//          d             d'
//         / \           / \      b and d were copied (b', d'), e and a are shared
//        b   e         b'  e
//       / \           / \        .
//      a   c         a   c'
//
// It is an AVL tree with join and split ("Just Join for Parallel Ordered Sets", Blelloch,
// Ferizovic, Sun, 2016), so its height, and with it the depth of every recursion here, is at most
// 1.45 log2(n), whatever the input does.
#pragma once

#include <cstdint>
#include <deque>

#include "perfdata/address_space.h"

namespace fgread {

class PersistentRanges {
public:
    struct Node {
        std::uint64_t start = 0;
        std::uint64_t end = 0;  // exclusive
        Node* left = nullptr;
        Node* right = nullptr;
        MappingId id;
        std::uint32_t change = 0;  // the change that made this node: only that one may write to it
        std::uint32_t piece = 0;   // the change that made this *range*; copies keep it
        std::uint8_t height = 1;
    };
    static_assert(sizeof(Node) == 48, "one mapping of a recording costs some 10 to 30 of these");

    using Root = Node*;  // null: nothing mapped

    // The version after [start, end) was mapped over `root`. start < end.
    [[nodiscard]] Root assign(Root root, std::uint64_t start, std::uint64_t end, MappingId id);

    // The range that holds `address`, or null.
    [[nodiscard]] static const Node* find(const Node* root, std::uint64_t address);

    // The hole around an address that no range holds: from the end of the range before it (or 0)
    // to the start of the one after it (or the top of the address space).
    struct Gap {
        std::uint64_t start = 0;
        std::uint64_t end = UINT64_MAX;
    };
    [[nodiscard]] static Gap gap_at(const Node* root, std::uint64_t address);

private:
    [[nodiscard]] Node* make(std::uint64_t start, std::uint64_t end, MappingId id);
    [[nodiscard]] Node* writable(Node* node);
    [[nodiscard]] Node* rotate_left(Node* node);
    [[nodiscard]] Node* rotate_right(Node* node);
    [[nodiscard]] Node* rebalance(Node* node);
    [[nodiscard]] Node* join(Node* left, Node* middle, Node* right);
    // Ranges below and above `address`; one that straddles it is cut in two.
    void split(Node* node, std::uint64_t address, Node*& below, Node*& above);

    std::deque<Node> nodes_;  // a deque, because nodes point to each other
    std::uint32_t change_ = 0;
};

}  // namespace fgread
