#include "collapse/writers/folded.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <cstdint>
#include <limits>
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

// Which nodes have lines, and where their children are.
class Lines {
public:
    explicit Lines(const NameTree& tree) : nodes_(tree.stacks.size()) {
        for (std::size_t id = nodes_.size(); id-- > 0;) {
            const auto stack = static_cast<StackId>(id);
            Node& node = nodes_[stack];
            if (tree.weights[stack] != 0) ++node.lines;
            if (node.lines == 0) continue;
            const StackId parent = tree.stacks[stack].parent;
            if (parent == no_stack) {
                node.next_sibling = first_root_;
                first_root_ = stack;
                total_ += node.lines;
                continue;
            }
            Node& above = nodes_[parent];
            node.next_sibling = above.first_child;
            above.first_child = stack;
            above.lines += node.lines;
        }
    }

    // Of all stacks.
    [[nodiscard]] std::size_t total() const { return total_; }
    // Of a stack and all stacks above it.
    [[nodiscard]] std::size_t of(StackId stack) const { return nodes_[stack].lines; }
    // Those that have lines, in any order; `no_stack` has the roots. no_stack: no more.
    [[nodiscard]] StackId first_child(StackId stack) const {
        return stack == no_stack ? first_root_ : nodes_[stack].first_child;
    }
    [[nodiscard]] StackId next_sibling(StackId stack) const { return nodes_[stack].next_sibling; }

private:
    struct Node {
        std::uint32_t lines = 0;
        StackId first_child = no_stack;
        StackId next_sibling = no_stack;
    };
    std::vector<Node> nodes_;  // by StackId
    StackId first_root_ = no_stack;
    std::size_t total_ = 0;
};

// What a node contributes to its parent's part of the output: its own line, and the lines of all
// stacks above it. They sort apart, because "a" + end and "a" + ";" may enclose a sibling "a(b)".
struct Item {
    StackId node;
    bool subtree;
};

// Makes the lines in their order, from one to another one behind it.
class FoldedWriter {
public:
    FoldedWriter(const NameTree& tree, const Lines& lines, const FrameNames& names)
        : tree_(tree), lines_(lines), names_(names) {
        push_items(no_stack);
    }

    // Makes the lines up to number `end`, not including it, from number `begin` on, which no call
    // before may have made. False if `put` says so, which gets the text.
    template <typename Put>
    bool write(std::size_t begin, std::size_t end, std::size_t text_size, const Put& put) {
        text_.clear();
        while (at_ < end) {
            const Item item = pending_.back();
            pending_.pop_back();
            if (item.node == no_stack) {  // end of a subtree
                prefix_.resize(prefix_lengths_.back());
                prefix_lengths_.pop_back();
            } else if (const std::size_t lines = lines_of(item); at_ + lines <= begin) {
                at_ += lines;
            } else if (item.subtree) {
                enter(item.node);
            } else {
                put_line(item.node);
                if (text_.size() < text_size) continue;
                if (!put(text_)) return false;
                text_.clear();
            }
        }
        return text_.empty() || put(text_);
    }

private:
    [[nodiscard]] std::size_t lines_of(const Item& item) const {
        if (!item.subtree) return 1;
        return lines_.of(item.node) - (tree_.weights[item.node] != 0 ? 1 : 0);
    }

    void enter(StackId node) {
        pending_.push_back({no_stack, false});
        prefix_lengths_.push_back(prefix_.size());
        while (true) {
            prefix_ += name_of(node);
            prefix_ += ';';
            // Most stacks go on in one way only.
            const StackId child = lines_.first_child(node);
            if (lines_.next_sibling(child) != no_stack || tree_.weights[child] != 0) break;
            node = child;
        }
        push_items(node);
    }

    void push_items(StackId parent) {
        const auto begin = pending_.size();
        for (StackId node = lines_.first_child(parent); node != no_stack;
             node = lines_.next_sibling(node)) {
            if (tree_.weights[node] != 0) pending_.push_back({node, false});
            if (lines_.first_child(node) != no_stack) pending_.push_back({node, true});
        }
        // The pending items are a stack: the first line goes on top.
        std::sort(pending_.begin() + static_cast<std::ptrdiff_t>(begin), pending_.end(),
                  [this](const Item& a, const Item& b) { return less(b, a); });
    }

    // Compares name + (subtree ? ";" : end) by bytes. Names hold no ';'.
    [[nodiscard]] bool less(const Item& a, const Item& b) const {
        const std::string_view left = name_of(a.node);
        const std::string_view right = name_of(b.node);
        const std::size_t common = std::min(left.size(), right.size());
        const int order = left.substr(0, common).compare(right.substr(0, common));
        if (order != 0) return order < 0;
        return next_byte(left, common, a.subtree) < next_byte(right, common, b.subtree);
    }

    static int next_byte(std::string_view name, std::size_t at, bool subtree) {
        if (at < name.size()) return static_cast<unsigned char>(name[at]);
        return subtree ? ';' : -1;
    }

    void put_line(StackId node) {
        std::array<char, std::numeric_limits<std::uint64_t>::digits10 + 1> digits;
        char* const begin = digits.data();
        const char* end = std::to_chars(begin, begin + digits.size(), tree_.weights[node]).ptr;
        text_ += prefix_;
        text_ += name_of(node);
        text_ += ' ';
        text_.append(begin, static_cast<std::size_t>(end - begin));
        text_ += '\n';
        ++at_;
    }

    [[nodiscard]] std::string_view name_of(StackId node) const {
        return names_.name(tree_.stacks[node].label);
    }

    const NameTree& tree_;
    const Lines& lines_;
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
    const Lines lines(tree);
    const std::size_t workers = std::min<std::size_t>(jobs, lines.total() / min_lines_per_thread);
    if (workers <= 1)
        return FoldedWriter(tree, lines, names).write(0, lines.total(), flush_size, sink);
    OrderedPieces pieces(sink);
    std::atomic<std::uint32_t> next = 0;
    const auto work = [&] {
        write_pieces(FoldedWriter(tree, lines, names), lines.total(), next, pieces);
    };
    std::vector<std::thread> threads;
    for (std::size_t number = 1; number < workers; ++number) threads.emplace_back(work);
    work();
    for (std::thread& thread : threads) thread.join();
    return pieces.is_whole();
}

}  // namespace fgread
