#include "render/folded_reader.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <system_error>

namespace fgread {

namespace {

// A weight beyond what a double counts exactly by the thousand is no count of anything.
constexpr double max_weight = 1e18;

bool is_blank(char byte) { return byte == ' ' || byte == '\t' || byte == '\r'; }
bool is_digit(char byte) { return byte >= '0' && byte <= '9'; }
bool is_hex_digit(char byte) {
    return is_digit(byte) || (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F');
}

void trim_end(std::string_view& text) {
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
}

// Digits, perhaps with a fraction. No sign, no exponent, no "inf".
std::optional<double> weight_of(std::string_view text) {
    if (text.empty() || !is_digit(text.front())) return std::nullopt;
    for (const char byte : text) {
        if (!is_digit(byte) && byte != '.') return std::nullopt;
    }
    // Nearly all weights are integers of up to 15 digits: a third of from_chars' time.
    if (text.size() <= 15 && text.find('.') == std::string_view::npos) {
        std::uint64_t value = 0;
        for (const char byte : text) value = value * 10 + static_cast<std::uint64_t>(byte - '0');
        return static_cast<double>(value);
    }
    double value = 0;
    const char* end = text.data() + text.size();
    const std::from_chars_result read =
        std::from_chars(text.data(), end, value, std::chars_format::fixed);
    if (read.ec != std::errc{} || read.ptr != end || !(value <= max_weight)) return std::nullopt;
    return value;
}

// Takes the weight at the end of `line` off it, and the blanks before it. There must be a blank.
std::optional<double> take_weight(std::string_view& line) {
    std::size_t begin = line.size();
    while (begin > 0 && !is_blank(line[begin - 1])) --begin;
    if (begin == 0) return std::nullopt;
    const std::optional<double> weight = weight_of(line.substr(begin));
    if (!weight) return std::nullopt;
    line = line.substr(0, begin);
    trim_end(line);
    return weight;
}

void append_without_hex(std::string& to, std::string_view text) {
    while (!text.empty()) {
        const std::size_t hex = text.find("0x");
        to += text.substr(0, hex);
        if (hex == std::string_view::npos) return;
        text.remove_prefix(hex + 2);
        std::size_t digits = 0;
        while (digits < text.size() && is_hex_digit(text[digits])) ++digits;
        to += digits == 0 ? "0x" : "0x...";
        text.remove_prefix(digits);
    }
}

void append_marked_wakers(std::string& to, std::string_view stack) {
    bool waker = false;
    while (true) {
        const std::size_t end = stack.find(';');
        const std::string_view frame = stack.substr(0, end);
        to += frame;
        if (frame == "--")
            waker = true;
        else if (waker)
            to += "_[w]";
        if (end == std::string_view::npos) return;
        to += ';';
        stack.remove_prefix(end + 1);
    }
}

}  // namespace

void FoldedReader::feed(std::string_view piece) {
    while (!piece.empty()) {
        const std::size_t end = piece.find('\n');
        const std::string_view part = piece.substr(0, end);
        if (end != std::string_view::npos && carried_.empty() && !too_long_) {
            read_line(part);
        } else {
            if (carried_.size() + part.size() > max_folded_line) too_long_ = true;
            if (too_long_)
                carried_.clear();
            else
                carried_ += part;
            if (end == std::string_view::npos) return;
            end_carried_line();
        }
        piece.remove_prefix(end + 1);
    }
}

void FoldedReader::end_carried_line() {
    if (too_long_) ++invalid_;
    read_line(carried_);
    carried_.clear();
    too_long_ = false;
}

void FoldedReader::read_line(std::string_view line) {
    trim_end(line);
    if (line.empty()) return;
    if (line.size() > max_folded_line) {
        ++invalid_;
        return;
    }
    const std::optional<double> last = take_weight(line);
    if (!last) {
        ++invalid_;
        return;
    }
    std::optional<double> first;
    if (columns_ != Columns::one && options_.two_columns) {
        first = take_weight(line);
        if (columns_ == Columns::unknown) columns_ = first ? Columns::two : Columns::one;
        if (columns_ == Columns::two && !first) {
            ++invalid_;
            return;
        }
    }
    const TreeNodeId node = node_of(rewritten(line));
    if (first) tree_.add(node, Side::before, *first);
    tree_.add(node, first ? Side::after : options_.side, *last);
    ++valid_;
}

std::string_view FoldedReader::rewritten(std::string_view stack) {
    // flamegraph.pl and perl's split drop empty frames at the end, not those between others.
    while (!stack.empty() && stack.back() == ';') stack.remove_suffix(1);
    if (!options_.strip_hex && !options_.chain_graph) return stack;
    rewritten_.clear();
    if (options_.strip_hex)
        append_without_hex(rewritten_, stack);
    else
        append_marked_wakers(rewritten_, stack);
    return rewritten_;
}

TreeNodeId FoldedReader::node_of(std::string_view stack) {
    if (stack.empty()) return tree_root;
    const std::size_t limit = std::min(stack.size(), last_stack_.size());
    const auto same = static_cast<std::size_t>(
        std::mismatch(stack.begin(), stack.begin() + static_cast<std::ptrdiff_t>(limit),
                      last_stack_.begin())
            .first -
        stack.begin());
    // A frame is shared if it ends where both texts are still equal, and ends in both.
    while (!last_path_.empty()) {
        const std::size_t end = last_path_.back().end;
        if (end <= same && (end == stack.size() || stack[end] == ';')) break;
        last_path_.pop_back();
    }
    std::size_t begin = last_path_.empty() ? 0 : last_path_.back().end + 1;
    TreeNodeId node = last_path_.empty() ? tree_root : last_path_.back().node;
    while (begin <= stack.size()) {
        const std::size_t end = std::min(stack.find(';', begin), stack.size());
        node = tree_.child(node, tree_.intern(stack.substr(begin, end - begin)));
        last_path_.push_back({end, node});
        begin = end + 1;
    }
    last_stack_.assign(stack);
    return node;
}

}  // namespace fgread
