#include "render/frame_tree.h"

#include <algorithm>
#include <functional>

namespace fgread {

namespace {

constexpr std::size_t first_slots = 1024;
constexpr std::size_t text_block = 64 * 1024;

std::size_t hash_pair(std::uint32_t left, std::uint32_t right) {
    const std::uint64_t key = (std::uint64_t{left} << 32 | right) * 0x9e3779b97f4a7c15u;
    return key ^ (key >> 32);
}

double at(const std::vector<double>& weights, TreeNodeId node) {
    return node < weights.size() ? weights[node] : 0;
}

}  // namespace

FrameTree::FrameTree(bool keep_order) : keep_order_(keep_order) {
    nodes_.push_back({tree_root, 0});
    if (keep_order_) {
        latest_child_.push_back(tree_root);
        starts_.push_back(0);
    }
    name_slots_.resize(first_slots);
    node_slots_.resize(first_slots);
}

std::size_t FrameTree::name_slot(std::string_view name) const {
    const std::size_t mask = name_slots_.size() - 1;
    std::size_t slot = std::hash<std::string_view>{}(name)&mask;
    while (name_slots_[slot] != 0 && names_[name_slots_[slot] - 1] != name)
        slot = (slot + 1) & mask;
    return slot;
}

FrameNameId FrameTree::intern(std::string_view name) {
    const std::size_t slot = name_slot(name);
    if (name_slots_[slot] != 0) return name_slots_[slot] - 1;

    if (text_.empty() || text_.back().capacity() - text_.back().size() < name.size()) {
        text_.emplace_back().reserve(std::max(text_block, name.size()));
    }
    std::string& block = text_.back();
    const std::size_t begin = block.size();
    block += name;
    names_.push_back(std::string_view(block).substr(begin));
    name_slots_[slot] = static_cast<std::uint32_t>(names_.size());
    if (names_.size() * 2 > name_slots_.size()) grow_names();
    return static_cast<FrameNameId>(names_.size() - 1);
}

void FrameTree::grow_names() {
    name_slots_.assign(name_slots_.size() * 2, 0);
    for (std::uint32_t id = 0; id < names_.size(); ++id)
        name_slots_[name_slot(names_[id])] = id + 1;
}

std::size_t FrameTree::node_slot(TreeNodeId parent, FrameNameId name) const {
    const std::size_t mask = node_slots_.size() - 1;
    std::size_t slot = hash_pair(parent, name) & mask;
    while (node_slots_[slot] != 0) {
        const TreeNode& node = nodes_[node_slots_[slot] - 1];
        if (node.parent == parent && node.name == name) break;
        slot = (slot + 1) & mask;
    }
    return slot;
}

TreeNodeId FrameTree::child(TreeNodeId parent, FrameNameId name) {
    const auto id = static_cast<TreeNodeId>(nodes_.size());
    if (keep_order_) {
        const TreeNodeId latest = latest_child_[parent];
        if (latest != tree_root && nodes_[latest].name == name) return latest;
        latest_child_[parent] = id;
        latest_child_.push_back(tree_root);
        starts_.push_back(clock_);
        nodes_.push_back({parent, name});
        return id;
    }
    const std::size_t slot = node_slot(parent, name);
    if (node_slots_[slot] != 0) return node_slots_[slot] - 1;
    nodes_.push_back({parent, name});
    node_slots_[slot] = id + 1;
    if (nodes_.size() * 2 > node_slots_.size()) grow_nodes();
    return id;
}

void FrameTree::grow_nodes() {
    node_slots_.assign(node_slots_.size() * 2, 0);
    for (TreeNodeId id = 1; id < nodes_.size(); ++id) {
        node_slots_[node_slot(nodes_[id].parent, nodes_[id].name)] = id + 1;
    }
}

void FrameTree::add(TreeNodeId node, Side side, double weight) {
    if (side == Side::before) differential_ = true;
    std::vector<double>& weights = side == Side::before ? before_ : after_;
    if (weights.size() <= node) weights.resize(nodes_.size());
    weights[node] += weight;
    if (side == Side::after) clock_ += weight;
}

double FrameTree::self(TreeNodeId node, Side side) const {
    return at(side == Side::before ? before_ : after_, node);
}

std::vector<double> FrameTree::totals(Side side) const {
    std::vector<double> totals = side == Side::before ? before_ : after_;
    totals.resize(nodes_.size());
    for (std::size_t id = nodes_.size(); id-- > 1;) totals[nodes_[id].parent] += totals[id];
    return totals;
}

void FrameTree::scale(Side side, double factor) {
    for (double& weight : side == Side::before ? before_ : after_) weight *= factor;
}

FrameTree reversed(const FrameTree& tree) {
    FrameTree result;
    if (tree.is_differential()) result.set_differential();
    // Names keep their numbers.
    for (FrameNameId name = 0; name < tree.name_count(); ++name) result.intern(tree.name(name));
    for (TreeNodeId id = 0; id < tree.size(); ++id) {
        const double before = tree.self(id, Side::before);
        const double after = tree.self(id, Side::after);
        if (before == 0 && after == 0) continue;
        TreeNodeId node = tree_root;
        for (TreeNodeId up = id; up != tree_root; up = tree[up].parent) {
            node = result.child(node, tree[up].name);
        }
        if (before != 0) result.add(node, Side::before, before);
        if (after != 0) result.add(node, Side::after, after);
    }
    return result;
}

}  // namespace fgread
