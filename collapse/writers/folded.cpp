#include "collapse/writers/folded.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "collapse/writers/ordered_pieces.h"

namespace fgread {

namespace {

// Text is handed to the sink in pieces of about this size.
constexpr std::size_t flush_size = 64 * 1024;
// Where several threads make it, each goes on to this size while it is not its turn.
constexpr std::size_t kept_size = 1024 * 1024;
// Of a recording of compilers 250 KB, made in 0.1 ms.
constexpr std::uint32_t lines_per_piece = 256;
// With less a thread more costs more than it spares.
constexpr std::size_t min_lines_per_thread = 1024;

// A stack that has a line, or is below some that have.
struct Node {
    std::uint64_t weight = 0;  // 0: has no line itself
    NameId name = no_name;
    std::uint32_t lines_above = 0;
    std::uint32_t first_child = 0;  // its place; the others follow
    std::uint32_t child_count = 0;
};

// The nodes of a tree, those of one parent side by side: most of the time goes into waiting for
// memory, and several nodes that lie together are waited for once.
class Nodes {
public:
    explicit Nodes(const NameTree& tree) {
        const std::size_t size = tree.stacks.size();
        std::vector<std::uint32_t> lines(size, 0);  // by StackId: its own and those above it
        // By parent (slot 0 is for the roots): the place for its next child, and one more.
        std::vector<std::uint32_t> places(size + 2, 0);
        const auto slot = [](StackId parent) {
            return parent == no_stack ? 0 : std::size_t{parent} + 1;
        };
        for (std::size_t id = size; id-- > 0;) {
            if (tree.weights[id] != 0) ++lines[id];
            if (lines[id] == 0) continue;
            const StackId parent = tree.stacks[static_cast<StackId>(id)].parent;
            ++places[slot(parent) + 1];
            std::uint32_t& below = parent == no_stack ? root_.lines_above : lines[parent];
            below += lines[id];
        }
        root_.child_count = places[1];
        for (std::size_t i = 1; i < places.size(); ++i) places[i] += places[i - 1];
        nodes_.resize(places.back());
        // A stack comes before its children: their places are still the first ones.
        for (std::size_t id = 0; id < size; ++id) {
            if (lines[id] == 0) continue;
            const auto [parent, name] = tree.stacks[static_cast<StackId>(id)];
            const std::uint64_t weight = tree.weights[id];
            const std::uint32_t first_child = places[id + 1];
            nodes_[places[slot(parent)]++] = {weight, name, lines[id] - (weight != 0 ? 1 : 0),
                                              first_child, places[id + 2] - first_child};
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

// Makes the lines in their order, from one to another one behind it.
class FoldedWriter {
public:
    FoldedWriter(const Nodes& nodes, const FrameNames& names) : nodes_(nodes), names_(names) {
        push_items(nodes_.root());
    }

    // Makes the lines up to number `end`, not including it, from number `begin` on, which no call
    // before may have made. False if `put` says so, which gets the text.
    template <typename Put>
    bool write(std::size_t begin, std::size_t end, std::size_t text_size, const Put& put) {
        text_.clear();
        while (at_ < end) {
            const Item item = pending_.back();
            pending_.pop_back();
            if (item.node == nullptr) {
                prefix_.resize(prefix_lengths_.back());
                prefix_lengths_.pop_back();
            } else if (const std::size_t lines = lines_of(item); at_ + lines <= begin) {
                at_ += lines;
            } else if (item.subtree) {
                enter(item);
            } else {
                put_line(item);
                if (text_.size() < text_size) continue;
                if (!put(text_)) return false;
                text_.clear();
            }
        }
        return text_.empty() || put(text_);
    }

private:
    static std::size_t lines_of(const Item& item) {
        return item.subtree ? item.node->lines_above : 1;
    }

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

    void put_line(const Item& item) {
        std::array<char, std::numeric_limits<std::uint64_t>::digits10 + 1> digits;
        char* const begin = digits.data();
        const char* end = std::to_chars(begin, begin + digits.size(), item.node->weight).ptr;
        text_ += prefix_;
        text_ += item.name;
        text_ += ' ';
        text_.append(begin, static_cast<std::size_t>(end - begin));
        text_ += '\n';
        ++at_;
    }

    const Nodes& nodes_;
    const FrameNames& names_;
    std::size_t at_ = 0;  // number of the next line
    std::vector<Item> pending_;
    std::string prefix_;
    std::vector<std::size_t> prefix_lengths_;
    std::string text_;
};

// Takes pieces of the lines as long as there are any.
void write_pieces(FoldedWriter writer, std::size_t lines, std::atomic<std::uint32_t>& next,
                  OrderedPieces& pieces) {
    while (true) {
        const std::uint32_t piece = next.fetch_add(1);
        const std::size_t begin = std::size_t{piece} * lines_per_piece;
        if (begin >= lines) return;
        const bool wanted =
            writer.write(begin, std::min(lines, begin + lines_per_piece), kept_size,
                         [&](std::string_view text) { return pieces.put(piece, text); });
        pieces.finish(piece);
        if (!wanted) return;
    }
}

}  // namespace

bool write_folded(const NameTree& tree, const FrameNames& names, const TextSink& sink,
                  unsigned jobs) {
    const Nodes nodes(tree);
    const std::size_t lines = nodes.root().lines_above;
    const auto writer = [&] { return FoldedWriter(nodes, names); };
    const std::size_t workers = std::min<std::size_t>(jobs, lines / min_lines_per_thread);
    if (workers <= 1) return writer().write(0, lines, flush_size, sink);
    OrderedPieces pieces(sink);
    std::atomic<std::uint32_t> next = 0;
    const auto work = [&] { write_pieces(writer(), lines, next, pieces); };
    std::vector<std::thread> threads;
    for (std::size_t number = 1; number < workers; ++number) threads.emplace_back(work);
    work();
    for (std::thread& thread : threads) thread.join();
    return pieces.is_whole();
}

}  // namespace fgread
