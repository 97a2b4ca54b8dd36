#include "collapse/writers/folded.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace fgread {

namespace {

// Below this a thread costs more than it spares.
constexpr std::size_t min_stacks_for_threads = 5'000;
// Each looks at all stacks once, and needs four bytes for each.
constexpr unsigned max_parts = 8;

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
    std::uint32_t tree = 0;  // which one
};

class FoldedWriter {
public:
    // Of some trees that have no root in common.
    FoldedWriter(std::span<const Nodes> trees, const FrameNames& names, const TextSink& sink)
        : trees_(trees), names_(names), out_(sink) {}

    bool write() {
        for (std::uint32_t tree = 0; tree < trees_.size(); ++tree) {
            push_items(trees_[tree].root(), tree);
        }
        sort_items(0);
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
        return out_.flush();
    }

private:
    void enter(const Item& item) {
        pending_.emplace_back();
        prefix_lengths_.push_back(prefix_.size());
        prefix_.append(item.name).push_back(';');
        const Nodes& nodes = trees_[item.tree];
        const Node* node = item.node;
        // Most stacks go on in one way only.
        while (node->child_count == 1) {
            const Node& child = nodes.children(*node).front();
            if (child.weight != 0) break;
            prefix_.append(names_.name(child.name)).push_back(';');
            node = &child;
        }
        const std::size_t begin = pending_.size();
        push_items(*node, item.tree);
        sort_items(begin);
    }

    // The children of `parent`.
    void push_items(const Node& parent, std::uint32_t tree) {
        const Nodes& nodes = trees_[tree];
        for (const Node& node : nodes.children(parent)) {
            const std::string_view name = names_.name(node.name);
            if (node.weight != 0) pending_.push_back({name, &node, false, tree});
            if (node.child_count == 0) continue;
            pending_.push_back({name, &node, true, tree});
            // They are looked at after those of siblings that come first.
            __builtin_prefetch(nodes.children(node).data());
        }
    }

    // The pending items are a stack: the first line goes on top.
    void sort_items(std::size_t begin) {
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
        out_.text += prefix_;
        out_.text += item.name;
        out_.text += ' ';
        out_.text.append(begin, static_cast<std::size_t>(end - begin));
        out_.text += '\n';
        return out_.flush_if_large();
    }

    const std::span<const Nodes> trees_;
    const FrameNames& names_;
    PendingText out_;
    std::vector<Item> pending_;
    std::string prefix_;
    std::vector<std::size_t> prefix_lengths_;
};

}  // namespace

bool write_folded(const NameTree& tree, const FrameNames& names, const TextSink& sink) {
    const Nodes nodes(tree);
    return FoldedWriter({&nodes, 1}, names, sink).write();
}

// Building trees is half of the work, and what threads can share. Text made by several of them, in
// small pieces handed on in order, took no less time than if one makes it, but 1,100 page faults
// more for its memory.
bool write_folded(const FoldedProfile& folded, const TextSink& sink) {
    const bool plain = folded.shape.empty() && !folded.flamegraph_names;
    if (!plain || folded.jobs < 2 || folded.profile.stacks.size() < min_stacks_for_threads) {
        return write_folded(name_tree(folded), folded.names, sink);
    }
    const NameTreeParts parts(folded.profile, folded.names, folded.group_labels,
                              std::min(folded.jobs, max_parts));
    std::vector<std::optional<Nodes>> built(parts.size());
    const auto build = [&](std::size_t part) {
        built[part].emplace(parts.build(part, folded.weights));
    };
    std::vector<std::thread> threads;
    for (std::size_t part = 1; part < parts.size(); ++part) threads.emplace_back(build, part);
    build(0);
    for (std::thread& thread : threads) thread.join();
    std::vector<Nodes> trees;
    for (std::optional<Nodes>& each : built) trees.push_back(std::move(*each));
    return FoldedWriter(trees, folded.names, sink).write();
}

}  // namespace fgread
