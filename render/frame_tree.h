// FrameTree: stacks merged by the names of their frames, with a weight "before" and one "after".
//
// What every picture and table of this folder starts from. FoldedReader fills it from text; who has
// stacks of his own calls intern(), child() and add(). A profile alone has only "after" weights.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace fgread {

// Number of a node, dense from 0; a node's parent always has a smaller number. Node 0 is the root
// ("all"), which no name stands for.
using TreeNodeId = std::uint32_t;
inline constexpr TreeNodeId tree_root = 0;

// Number of a distinct frame name, dense from 0.
using FrameNameId = std::uint32_t;

struct TreeNode {
    TreeNodeId parent;  // tree_root's own is tree_root
    FrameNameId name;   // without meaning for tree_root
};

// Which of the two weights.
enum class Side { before, after };

// Not thread-safe while it grows. About 24 bytes a node.
class FrameTree {
public:
    // With `keep_order`, only neighbours are merged: a child that is not its parent's latest is
    // new. That is what a flame chart needs, whose x axis is time.
    explicit FrameTree(bool keep_order = false);

    // Amortised O(length of the text); the text is copied.
    FrameNameId intern(std::string_view name);
    // The child of `parent` called `name`, new or known. Amortised O(1).
    TreeNodeId child(TreeNodeId parent, FrameNameId name);
    // Adds to what the stack that ends at `node` weighs itself, without its children.
    void add(TreeNodeId node, Side side, double weight);

    [[nodiscard]] std::size_t size() const { return nodes_.size(); }
    [[nodiscard]] std::size_t name_count() const { return names_.size(); }
    [[nodiscard]] const TreeNode& operator[](TreeNodeId id) const { return nodes_[id]; }
    // Lives as long as this object.
    [[nodiscard]] std::string_view name(FrameNameId id) const { return names_[id]; }
    [[nodiscard]] bool keeps_order() const { return keep_order_; }

    // By node, without and with the children. Of a side without weights all are 0.
    [[nodiscard]] double self(TreeNodeId node, Side side) const;
    [[nodiscard]] std::vector<double> totals(Side side) const;
    // Whether any weight was added "before": the profile is a comparison.
    [[nodiscard]] bool is_differential() const { return differential_; }
    void set_differential() { differential_ = true; }

    // With keep_order only: the weight "after" of all that was added before `node` was made.
    [[nodiscard]] double start(TreeNodeId node) const { return starts_[node]; }

    // Multiplies all weights of a side.
    void scale(Side side, double factor);

private:
    void grow_nodes();
    void grow_names();
    [[nodiscard]] std::size_t name_slot(std::string_view name) const;
    [[nodiscard]] std::size_t node_slot(TreeNodeId parent, FrameNameId name) const;

    bool keep_order_;
    bool differential_ = false;
    std::vector<TreeNode> nodes_;
    std::vector<double> before_;  // shorter than nodes_ where the rest is 0
    std::vector<double> after_;
    std::vector<TreeNodeId> latest_child_;  // by node; only with keep_order_, as the next two
    std::vector<double> starts_;
    double clock_ = 0;
    std::vector<std::string_view> names_;  // into text_
    std::deque<std::string> text_;         // blocks of a fixed capacity: views into them stay valid
    // Open addressing: number + 1, 0 is free; sizes are powers of two, at most half full.
    std::vector<std::uint32_t> node_slots_;
    std::vector<std::uint32_t> name_slots_;
};

// The same weights with every stack turned round: its leaf becomes its root. Cost: one step for
// each frame of each distinct stack.
[[nodiscard]] FrameTree reversed(const FrameTree& tree);

}  // namespace fgread
