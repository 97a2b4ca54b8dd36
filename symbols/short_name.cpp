#include "symbols/short_name.h"

#include <algorithm>
#include <array>

namespace fgread {
namespace {

constexpr std::string_view operator_word = "operator";
// Longest first, as they are read.
constexpr std::array<std::string_view, 14> operator_symbols = {
    "<=>", "<<=", ">>=", "->*", "<<", ">>", "<=", ">=", "->", "()", "[]", "<", ">", ",",
};
// What follows "::<" where that is not Rust's way to write generic arguments ("foo::<u8>").
constexpr std::array<std::string_view, 3> kept_after_colons = {"impl ", "lambda", "unnamed"};

bool is_identifier(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
           (byte >= 'A' && byte <= 'Z') || byte == '_' || byte == '$' || byte >= 0x80;
}

char closing(char open) {
    switch (open) {
        case '<':
            return '>';
        case '(':
            return ')';
        case '[':
            return ']';
        default:
            return '}';
    }
}

class Shortener {
public:
    explicit Shortener(std::string_view name) : name_(name) { out_.reserve(name.size()); }

    // Empty if the brackets do not balance.
    std::string run() {
        while (at_ < name_.size()) {
            if (!step()) return {};
        }
        return open_.empty() ? out_ : std::string();
    }

private:
    bool step() {
        if (const std::size_t length = operator_length(name_, at_)) {
            copy(length);
            // libiberty keeps "operator<" and its arguments apart by a blank.
            after_operator_ = true;
            if (rest().starts_with(" <")) ++at_;
            return true;
        }
        const char c = name_[at_];
        if (rest().starts_with("->")) {
            copy(2);
        } else if (c == '<' && begins_arguments()) {
            return skip_arguments();
        } else if (c == '<' && is_comparison()) {
            copy(1);
        } else if (c == '<' || c == '(' || c == '[' || c == '{') {
            open_.push_back(closing(c));
            copy(1);
        } else if (c == '>' && !open_.empty() && open_.back() != '>') {
            copy(1);  // in parentheses: "greater than"
        } else if (c == '>' || c == ')' || c == ']' || c == '}') {
            if (open_.empty() || open_.back() != c) return false;
            open_.pop_back();
            // "<Vec<T> >": the blank kept two brackets apart.
            if (c == '>' && out_.ends_with(' ')) out_.pop_back();
            copy(1);
        } else {
            copy(1);
        }
        after_operator_ = false;
        return true;
    }

    [[nodiscard]] std::string_view rest() const { return name_.substr(at_); }

    void copy(std::size_t length) {
        out_ += name_.substr(at_, length);
        at_ += length;
    }

    // True if the '<' here opens arguments of what stands before it.
    [[nodiscard]] bool begins_arguments() const {
        if (after_operator_) return true;
        if (out_.empty()) return false;
        const char before = out_.back();
        if (out_.ends_with("::")) {
            return std::none_of(
                kept_after_colons.begin(), kept_after_colons.end(),
                [this](std::string_view kept) { return rest().substr(1).starts_with(kept); });
        }
        return is_identifier(before) || before == '}' || before == ']';
    }

    // libiberty puts the operands of an expression in parentheses: "decltype ((a)<(b))".
    [[nodiscard]] bool is_comparison() const {
        return out_.ends_with(')') && !open_.empty() && open_.back() == ')';
    }

    // Passes the '<' here and all to its '>'.
    bool skip_arguments() {
        std::string open;
        while (at_ < name_.size()) {
            if (const std::size_t length = operator_length(name_, at_)) {
                at_ += length;
                continue;
            }
            const char c = name_[at_];
            if (rest().starts_with("->")) ++at_;
            if (rest().starts_with(")<(")) {
                if (open.empty() || open.back() != ')') return false;
                open.pop_back();
                ++at_;  // the '<' is a comparison
            } else if (c == '<' || c == '(' || c == '[' || c == '{') {
                open.push_back(closing(c));
            } else if (c == '>' || c == ')' || c == ']' || c == '}') {
                const bool is_greater_than = c == '>' && open.back() != '>';
                if (!is_greater_than && open.back() != c) return false;
                if (!is_greater_than) open.pop_back();
            }
            ++at_;
            if (open.empty()) {
                drop_what_led_here();
                return true;
            }
        }
        return false;
    }

    void drop_what_led_here() {
        if (out_.ends_with("::")) out_.resize(out_.size() - 2);
        // "for<'a> Fn(&'a T)": the lifetimes were all that "for" said.
        const bool is_word = out_ == "for" || out_.ends_with(" for") || out_.ends_with("<for") ||
                             out_.ends_with("(for");
        if (is_word && rest().starts_with(' ')) {
            out_.resize(out_.size() - 3);
            ++at_;
        }
        after_operator_ = false;
    }

    std::string_view name_;
    std::size_t at_ = 0;
    std::string out_;
    std::string open_;  // the brackets that will close what is open, innermost last
    bool after_operator_ = false;
};

}  // namespace

std::size_t operator_length(std::string_view name, std::size_t at) {
    const std::string_view rest = name.substr(at);
    if (!rest.starts_with(operator_word)) return 0;
    if (at > 0 && is_identifier(name[at - 1])) return 0;
    const std::string_view behind = rest.substr(operator_word.size());
    if (!behind.empty() && is_identifier(behind.front())) return 0;
    for (const std::string_view symbol : operator_symbols) {
        if (behind.starts_with(symbol)) return operator_word.size() + symbol.size();
    }
    return operator_word.size();
}

std::string short_name(std::string_view name) {
    std::string result = Shortener(name).run();
    return result.empty() ? std::string(name) : result;
}

}  // namespace fgread
