#include "symbols/dlang_names.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

namespace fgread {
namespace {

// What a type's letter may become: "immutable(", "short delegate(" and the like.
constexpr std::size_t bytes_per_letter = 24;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           byte >= 0x80;
}

// "Q" and base 26, upper case but for the last digit: how far back the reference points.
std::optional<std::size_t> reference_at(std::string_view mangled, std::size_t at) {
    std::size_t distance = 0;
    for (std::size_t i = at + 1; i < mangled.size() && distance <= mangled.size(); ++i) {
        const char c = mangled[i];
        const bool last = c >= 'a' && c <= 'z';
        if (!last && (c < 'A' || c > 'Z')) return std::nullopt;
        distance = distance * 26 + static_cast<std::size_t>(c - (last ? 'a' : 'A'));
        if (last) return distance <= at ? std::optional(distance) : std::nullopt;
    }
    return std::nullopt;
}

// Digits at `at`: the length of an identifier and its own digits, else 0.
std::size_t identifier_length(std::string_view mangled, std::size_t at) {
    std::size_t length = 0, digits = 0;
    while (at + digits < mangled.size() && is_digit(mangled[at + digits])) {
        length = length * 10 + static_cast<std::size_t>(mangled[at + digits] - '0');
        if (length > mangled.size()) return 0;
        ++digits;
    }
    return digits == 0 ? 0 : length + digits;
}

// Qualifiers that libiberty writes behind the parameters of a member function.
constexpr std::array<std::string_view, 5> qualifiers = {" const", " immutable", " inout", " shared",
                                                        " scope"};

class Cutter {
public:
    Cutter(std::string_view shown, bool arguments) : shown_(shown), arguments_(arguments) {}

    std::string run() {
        while (at_ < shown_.size()) {
            const char c = shown_[at_];
            if (c == '!') {
                if (!pass_arguments()) return {};
            } else if (c == '(') {
                if (!pass_parameters()) return {};
            } else {
                out_ += c;
                ++at_;
            }
        }
        return out_;
    }

private:
    // "!(int, string)" or "!int".
    bool pass_arguments() {
        const std::size_t begin = at_++;
        if (at_ < shown_.size() && shown_[at_] == '(') {
            if (!pass_brackets()) return false;
        } else {
            while (at_ < shown_.size() && is_word(shown_[at_])) ++at_;
        }
        if (arguments_) out_ += shown_.substr(begin, at_ - begin);
        return true;
    }

    bool pass_parameters() {
        if (!pass_brackets()) return false;
        for (bool more = true; more;) {
            const auto found = std::find_if(
                qualifiers.begin(), qualifiers.end(),
                [this](std::string_view each) { return shown_.substr(at_).starts_with(each); });
            more = found != qualifiers.end();
            if (more) at_ += found->size();
        }
        return true;
    }

    // Passes the '(' here and all to its ')'. Strings may stand among template arguments.
    bool pass_brackets() {
        std::size_t depth = 0;
        bool in_string = false;
        for (; at_ < shown_.size(); ++at_) {
            const char c = shown_[at_];
            if (in_string && c == '\\') {
                ++at_;
            } else if (c == '"') {
                in_string = !in_string;
            } else if (!in_string && c == '(') {
                ++depth;
            } else if (!in_string && c == ')' && --depth == 0) {
                ++at_;
                return true;
            }
        }
        return false;
    }

    std::string_view shown_;
    bool arguments_;
    std::size_t at_ = 0;
    std::string out_;
};

}  // namespace

std::size_t dlang_expansion(std::string_view mangled, std::size_t limit) {
    std::vector<std::size_t> before(mangled.size() + 1, 0);  // bytes written for what is before i
    for (std::size_t i = 0; i < mangled.size(); ++i) {
        std::size_t bytes = bytes_per_letter;
        if (mangled[i] == 'Q') {
            if (const auto distance = reference_at(mangled, i)) {
                const std::size_t target = i - *distance;
                const std::size_t identifier = identifier_length(mangled, target);
                bytes += identifier != 0 ? identifier : before[i] - before[target];
            }
        }
        before[i + 1] = std::min(limit, before[i] + bytes);
        if (before[i + 1] == limit) return limit;
    }
    return before.back();
}

std::string dlang_without_parameters(std::string_view shown, bool arguments) {
    std::string result = Cutter(shown, arguments).run();
    return result.empty() ? std::string(shown) : result;
}

}  // namespace fgread
