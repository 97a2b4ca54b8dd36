#include "collapse/writers/folded.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fgread {

namespace {

// Text is handed to the sink in pieces of about this size.
constexpr std::size_t flush_size = 64 * 1024;

// A stack that has a line, or is below some that have.
struct Node {
    std::uint64_t weight = 0;  // 0: has no line itself
    NameId name = no_name;
    std::uint32_t first_child = 0;  // its place; the others follow
    std::uint32_t child_count = 0;
};

// The nodes of a tree, those of one parent side by side: most of the time goes into waiting for
// memory, and several nodes that lie together are waited for once.
class Nodes {
public:
    explicit Nodes(const NameTree& tree) {
        const std::size_t size = tree.stacks.size();
        std::vector<bool> has_lines(size, false);  // by StackId: itself, or a stack above it
        // By parent (slot 0 is for the roots): the place for its next child, and one more.
        std::vector<std::uint32_t> places(size + 2, 0);
        const auto slot = [](StackId parent) {
            return parent == no_stack ? 0 : std::size_t{parent} + 1;
        };
        for (std::size_t id = size; id-- > 0;) {
            if (tree.weights[id] != 0) has_lines[id] = true;
            if (!has_lines[id]) continue;
            const StackId parent = tree.stacks[static_cast<StackId>(id)].parent;
            ++places[slot(parent) + 1];
            if (parent != no_stack) has_lines[parent] = true;
        }
        root_.child_count = places[1];
        for (std::size_t i = 1; i < places.size(); ++i) places[i] += places[i - 1];
        nodes_.resize(places.back());
        // A stack comes before its children: their places are still the first ones.
        for (std::size_t id = 0; id < size; ++id) {
            if (!has_lines[id]) continue;
            const auto [parent, name] = tree.stacks[static_cast<StackId>(id)];
            const std::uint64_t weight = tree.weights[id];
            const std::uint32_t first_child = places[id + 1];
            nodes_[places[slot(parent)]++] = {weight, name, first_child,
                                              places[id + 2] - first_child};
        }
    }

    // In any order.
    [[nodiscard]] std::span<const Node> children(const Node& node) const {
        return std::span(nodes_).subspan(node.first_child, node.child_count);
    }
    // What stands in front of all roots.
    [[nodiscard]] const Node& root() const { return root_; }

private:
    std::vector<Node> nodes_;
    Node root_;
};

// What a node contributes to its parent's part of the output: its own line, and the lines of all
// stacks above it. They sort apart, because "a" + end and "a" + ";" may enclose a sibling "a(b)".
struct Item {
    std::string_view name;
    const Node* node = nullptr;  // null: where a subtree ends
    bool subtree = false;
};

class FoldedWriter {
public:
    FoldedWriter(const Nodes& nodes, const FrameNames& names, const TextSink& sink)
        : nodes_(nodes), names_(names), sink_(sink) {}

    bool write() {
        push_items(nodes_.root());
        while (!pending_.empty()) {
            const Item item = pending_.back();
            pending_.pop_back();
            if (item.node == nullptr) {
                prefix_.resize(prefix_lengths_.back());
                prefix_lengths_.pop_back();
            } else if (item.subtree) {
                enter(item);
            } else if (!put_line(item)) {
                return false;
            }
        }
        return text_.empty() || sink_(text_);
    }

private:
    void enter(const Item& item) {
        pending_.emplace_back();
        prefix_lengths_.push_back(prefix_.size());
        prefix_.append(item.name).push_back(';');
        const Node* node = item.node;
        // Most stacks go on in one way only.
        while (node->child_count == 1) {
            const Node& child = nodes_.children(*node).front();
            if (child.weight != 0) break;
            prefix_.append(names_.name(child.name)).push_back(';');
            node = &child;
        }
        push_items(*node);
    }

    void push_items(const Node& parent) {
        const auto begin = pending_.size();
        for (const Node& node : nodes_.children(parent)) {
            const std::string_view name = names_.name(node.name);
            if (node.weight != 0) pending_.push_back({name, &node, false});
            if (node.child_count != 0) pending_.push_back({name, &node, true});
        }
        // The pending items are a stack: the first line goes on top.
        std::sort(pending_.begin() + static_cast<std::ptrdiff_t>(begin), pending_.end(),
                  [](const Item& a, const Item& b) { return less(b, a); });
    }

    // Compares name + (subtree ? ";" : end) by bytes. Names hold no ';'.
    static bool less(const Item& a, const Item& b) {
        const std::size_t common = std::min(a.name.size(), b.name.size());
        const int order = a.name.substr(0, common).compare(b.name.substr(0, common));
        if (order != 0) return order < 0;
        return next_byte(a.name, common, a.subtree) < next_byte(b.name, common, b.subtree);
    }

    static int next_byte(std::string_view name, std::size_t at, bool subtree) {
        if (at < name.size()) return static_cast<unsigned char>(name[at]);
        return subtree ? ';' : -1;
    }

    bool put_line(const Item& item) {
        std::array<char, std::numeric_limits<std::uint64_t>::digits10 + 1> digits;
        char* const begin = digits.data();
        const char* end = std::to_chars(begin, begin + digits.size(), item.node->weight).ptr;
        text_ += prefix_;
        text_ += item.name;
        text_ += ' ';
        text_.append(begin, static_cast<std::size_t>(end - begin));
        text_ += '\n';
        if (text_.size() < flush_size) return true;
        const bool wanted = sink_(text_);
        text_.clear();
        return wanted;
    }

    const Nodes& nodes_;
    const FrameNames& names_;
    const TextSink& sink_;
    std::vector<Item> pending_;
    std::string prefix_;
    std::vector<std::size_t> prefix_lengths_;
    std::string text_;
};

}  // namespace

bool write_folded(const NameTree& tree, const FrameNames& names, const TextSink& sink) {
    const Nodes nodes(tree);
    return FoldedWriter(nodes, names, sink).write();
}

}  // namespace fgread
