#include "perfdata/persistent_ranges.h"

#include <algorithm>

namespace fgread {
namespace {

using Node = PersistentRanges::Node;

int height_of(const Node* node) { return node ? node->height : 0; }

void update_height(Node* node) {
    const int height = 1 + std::max(height_of(node->left), height_of(node->right));
    node->height = static_cast<std::uint8_t>(height);
}

}  // namespace

Node* PersistentRanges::make(std::uint64_t start, std::uint64_t end, MappingId id) {
    Node& node = nodes_.emplace_back();
    node.start = start;
    node.end = end;
    node.id = id;
    node.change = change_;
    node.piece = change_;
    return &node;
}

// The node itself if this change made it (no version refers to it yet), else a copy.
Node* PersistentRanges::writable(Node* node) {
    if (node->change == change_) return node;
    Node& copy = nodes_.emplace_back(*node);
    copy.change = change_;
    return &copy;
}

Node* PersistentRanges::rotate_left(Node* node) {
    Node* top = writable(node->right);
    node->right = top->left;
    update_height(node);
    top->left = node;
    update_height(top);
    return top;
}

Node* PersistentRanges::rotate_right(Node* node) {
    Node* top = writable(node->left);
    node->left = top->right;
    update_height(node);
    top->right = node;
    update_height(top);
    return top;
}

// `node` is writable, its children differ in height by 2 at most.
Node* PersistentRanges::rebalance(Node* node) {
    const int lean = height_of(node->left) - height_of(node->right);
    if (lean > 1) {
        if (height_of(node->left->left) < height_of(node->left->right)) {
            node->left = rotate_left(writable(node->left));
        }
        return rotate_right(node);
    }
    if (lean < -1) {
        if (height_of(node->right->right) < height_of(node->right->left)) {
            node->right = rotate_right(writable(node->right));
        }
        return rotate_left(node);
    }
    update_height(node);
    return node;
}

// All of `left` < `middle` < all of `right`. Descends along the taller tree's inner edge until the
// heights meet: O(difference of heights).
Node* PersistentRanges::join(Node* left, Node* middle, Node* right) {
    const int lean = height_of(left) - height_of(right);
    if (lean > 1) {
        Node* top = writable(left);
        top->right = join(top->right, middle, right);
        return rebalance(top);
    }
    if (lean < -1) {
        Node* top = writable(right);
        top->left = join(left, middle, top->left);
        return rebalance(top);
    }
    Node* top = writable(middle);
    top->left = left;
    top->right = right;
    update_height(top);
    return top;
}

void PersistentRanges::split(Node* node, std::uint64_t address, Node*& below, Node*& above) {
    if (node == nullptr) {
        below = above = nullptr;
        return;
    }
    Node* left = node->left;
    Node* right = node->right;
    if (node->end <= address) {
        Node* lower = nullptr;
        split(right, address, lower, above);
        below = join(left, node, lower);
    } else if (node->start >= address) {
        Node* upper = nullptr;
        split(left, address, below, upper);
        above = join(upper, node, right);
    } else {
        below = join(left, make(node->start, address, node->id), nullptr);
        above = join(nullptr, make(address, node->end, node->id), right);
    }
}

PersistentRanges::Root PersistentRanges::assign(Root root, std::uint64_t start, std::uint64_t end,
                                                MappingId id) {
    ++change_;
    Node* below = nullptr;
    Node* rest = nullptr;
    Node* covered = nullptr;
    Node* above = nullptr;
    split(root, start, below, rest);
    split(rest, end, covered, above);
    return join(below, make(start, end, id), above);
}

const Node* PersistentRanges::find(const Node* root, std::uint64_t address) {
    while (root != nullptr) {
        if (address < root->start) {
            root = root->left;
        } else if (address >= root->end) {
            root = root->right;
        } else {
            return root;
        }
    }
    return nullptr;
}

PersistentRanges::Gap PersistentRanges::gap_at(const Node* root, std::uint64_t address) {
    Gap gap;
    while (root != nullptr) {
        if (address < root->start) {
            gap.end = root->start;
            root = root->left;
        } else {
            gap.start = root->end;
            root = root->right;
        }
    }
    return gap;
}

}  // namespace fgread
