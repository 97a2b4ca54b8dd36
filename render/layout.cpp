#include "render/layout.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "render/child_index.h"

namespace fgread {

namespace {

class Placer {
public:
    Placer(const FrameTree& tree, const LayoutOptions& options)
        : tree_(tree),
          options_(options),
          children_(tree),
          after_(tree.totals(Side::after)),
          before_(tree.is_differential() ? tree.totals(Side::before) : std::vector<double>{}) {}

    Layout place() {
        layout_.total = after_[tree_root];
        if (layout_.total <= 0) return std::move(layout_);
        min_width_ = layout_.total * options_.min_share;
        pending_.push_back(box(tree_root, 0, 0));
        while (!pending_.empty()) {
            const Box next = pending_.back();
            pending_.pop_back();
            layout_.boxes.push_back(next);
            push_children(next);
        }
        if (options_.max_cost != 0) keep_within_cost();
        summarize();
        return std::move(layout_);
    }

private:
    [[nodiscard]] Box box(TreeNodeId node, std::uint32_t depth, double x) const {
        Box result{node, depth, x, after_[node], tree_.self(node, Side::after), 0, 0};
        if (!before_.empty()) {
            result.change = after_[node] - before_[node];
            result.self_change = result.self - tree_.self(node, Side::before);
        }
        return result;
    }

    void push_children(const Box& parent) {
        const auto range = children_[parent.node];
        siblings_.assign(range.begin(), range.end());
        if (!tree_.keeps_order()) {
            std::sort(siblings_.begin(), siblings_.end(), [this](TreeNodeId a, TreeNodeId b) {
                return tree_.name(tree_[a].name) < tree_.name(tree_[b].name);
            });
        }
        const auto begin = static_cast<std::ptrdiff_t>(pending_.size());
        double x = parent.x + parent.self;
        for (const TreeNodeId child : siblings_) {
            if (tree_.keeps_order()) x = tree_.start(child);
            if (after_[child] > 0 && after_[child] >= min_width_) {
                if (parent.depth < options_.max_depth)
                    pending_.push_back(box(child, parent.depth + 1, x));
                else
                    ++layout_.left_out_for_depth;
            }
            x += after_[child];
        }
        std::reverse(pending_.begin() + begin, pending_.end());
    }

    [[nodiscard]] std::size_t cost_of(const Box& box) {
        if (box.node == tree_root) return 0;
        std::size_t& cost = name_costs_[tree_[box.node].name];
        if (cost == 0) cost = options_.cost(tree_.name(tree_[box.node].name));
        return cost;
    }

    // Widest first, parents before their children: any prefix of that order is a whole tree.
    void keep_within_cost() {
        std::vector<Box>& boxes = layout_.boxes;
        name_costs_.assign(tree_.name_count(), 0);
        std::vector<std::uint32_t> order(boxes.size());
        std::iota(order.begin(), order.end(), 0u);
        std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
            if (boxes[a].width != boxes[b].width) return boxes[a].width > boxes[b].width;
            if (boxes[a].depth != boxes[b].depth) return boxes[a].depth < boxes[b].depth;
            return a < b;
        });
        std::size_t cost = 0;
        std::size_t kept = 0;
        for (; kept < order.size(); ++kept) {
            cost += cost_of(boxes[order[kept]]);
            if (cost > options_.max_cost) break;
        }
        if (kept == order.size()) return;
        layout_.left_out_for_cost = order.size() - kept;
        layout_.narrowest = boxes[order[kept - 1]].width;
        order.resize(kept);
        std::sort(order.begin(), order.end());  // boxes were in drawing order
        std::vector<Box> fewer;
        fewer.reserve(kept);
        for (const std::uint32_t index : order) fewer.push_back(boxes[index]);
        boxes = std::move(fewer);
    }

    void summarize() {
        for (const Box& box : layout_.boxes) {
            layout_.levels = std::max(layout_.levels, box.depth + 1);
            if (box.node == tree_root) continue;
            layout_.greatest_change = std::max(layout_.greatest_change, std::abs(box.change));
            layout_.greatest_self_change =
                std::max(layout_.greatest_self_change, std::abs(box.self_change));
        }
    }

    const FrameTree& tree_;
    const LayoutOptions& options_;
    ChildIndex children_;
    std::vector<double> after_;
    std::vector<double> before_;  // empty if the tree is no comparison
    double min_width_ = 0;
    std::vector<Box> pending_;
    std::vector<TreeNodeId> siblings_;
    std::vector<std::size_t> name_costs_;  // 0: not known yet
    Layout layout_;
};

}  // namespace

Layout make_layout(const FrameTree& tree, const LayoutOptions& options) {
    return Placer(tree, options).place();
}

}  // namespace fgread
