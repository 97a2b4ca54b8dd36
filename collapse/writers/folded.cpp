#include "collapse/writers/folded.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace fgread {

namespace {

// Text is handed to the sink in pieces of about this size.
constexpr std::size_t flush_size = 64 * 1024;

// What a node contributes to its parent's part of the output: its own line, and the lines of all
// stacks above it. They sort apart, because "a" + end and "a" + ";" may enclose a sibling "a(b)".
struct Item {
    StackId node;
    bool subtree;
};

class FoldedWriter {
public:
    FoldedWriter(const NameTree& tree, const FrameNames& names, const TextSink& sink)
        : tree_(tree), names_(names), sink_(sink) {}

    bool write() {
        index_children();
        push_items(no_stack);
        while (!pending_.empty()) {
            const Item item = pending_.back();
            pending_.pop_back();
            if (item.node == no_stack) {  // end of a subtree
                prefix_.resize(prefix_lengths_.back());
                prefix_lengths_.pop_back();
                continue;
            }
            const std::string_view name = names_.name(tree_.stacks[item.node].label);
            if (item.subtree)
                enter(item.node, name);
            else if (!put_line(item.node, name))
                return false;
        }
        return text_.empty() || sink_(text_);
    }

private:
    // Children of every node that carry weight, themselves or above them, grouped by parent.
    void index_children() {
        const std::size_t size = tree_.stacks.size();
        carries_weight_.assign(size, false);
        first_child_.assign(size + 2, 0);  // slot 0 is for the roots
        for (std::size_t node = size; node-- > 0;) {
            const StackId parent = tree_.stacks[static_cast<StackId>(node)].parent;
            if (tree_.weights[node] != 0) carries_weight_[node] = true;
            if (!carries_weight_[node]) continue;
            if (parent != no_stack) carries_weight_[parent] = true;
            ++first_child_[slot(parent) + 1];
        }
        for (std::size_t i = 1; i < first_child_.size(); ++i)
            first_child_[i] += first_child_[i - 1];
        children_.resize(first_child_.back());
        std::vector<std::uint32_t> next(first_child_.begin(), first_child_.end() - 1);
        for (StackId node = 0; node < size; ++node) {
            if (carries_weight_[node]) children_[next[slot(tree_.stacks[node].parent)]++] = node;
        }
    }

    static std::size_t slot(StackId parent) {
        return parent == no_stack ? 0 : std::size_t{parent} + 1;
    }

    void enter(StackId node, std::string_view name) {
        prefix_lengths_.push_back(prefix_.size());
        prefix_ += name;
        prefix_ += ';';
        pending_.push_back({no_stack, false});
        push_items(node);
    }

    void push_items(StackId parent) {
        const auto begin = pending_.size();
        for (std::uint32_t i = first_child_[slot(parent)]; i < first_child_[slot(parent) + 1];
             ++i) {
            const StackId node = children_[i];
            if (tree_.weights[node] != 0) pending_.push_back({node, false});
            if (first_child_[slot(node)] != first_child_[slot(node) + 1]) {
                pending_.push_back({node, true});
            }
        }
        // The pending items are a stack: the first line goes on top.
        std::sort(pending_.begin() + static_cast<std::ptrdiff_t>(begin), pending_.end(),
                  [this](const Item& a, const Item& b) { return less(b, a); });
    }

    // Compares name + (subtree ? ";" : end) by bytes. Names hold no ';'.
    [[nodiscard]] bool less(const Item& a, const Item& b) const {
        const std::string_view left = names_.name(tree_.stacks[a.node].label);
        const std::string_view right = names_.name(tree_.stacks[b.node].label);
        const std::size_t common = std::min(left.size(), right.size());
        const int order = left.substr(0, common).compare(right.substr(0, common));
        if (order != 0) return order < 0;
        return next_byte(left, common, a.subtree) < next_byte(right, common, b.subtree);
    }

    static int next_byte(std::string_view name, std::size_t at, bool subtree) {
        if (at < name.size()) return static_cast<unsigned char>(name[at]);
        return subtree ? ';' : -1;
    }

    bool put_line(StackId node, std::string_view name) {
        text_ += prefix_;
        text_ += name;
        fmt::format_to(std::back_inserter(text_), " {}\n", tree_.weights[node]);
        if (text_.size() < flush_size) return true;
        const bool wanted = sink_(text_);
        text_.clear();
        return wanted;
    }

    const NameTree& tree_;
    const FrameNames& names_;
    const TextSink& sink_;
    std::vector<bool> carries_weight_;
    std::vector<std::uint32_t> first_child_;  // by slot of the parent: index into children_
    std::vector<StackId> children_;
    std::vector<Item> pending_;
    std::string prefix_;
    std::vector<std::size_t> prefix_lengths_;
    std::string text_;
};

}  // namespace

bool write_folded(const NameTree& tree, const FrameNames& names, const TextSink& sink) {
    return FoldedWriter(tree, names, sink).write();
}

}  // namespace fgread
