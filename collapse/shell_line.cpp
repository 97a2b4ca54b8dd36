#include "collapse/shell_line.h"

#include <algorithm>

#include <fmt/format.h>

#include "collapse/control_characters.h"

namespace fgread {
namespace {

bool is_plain(char c) {
    constexpr std::string_view signs = "%+,-./:=@_";
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return letter || (c >= '0' && c <= '9') || signs.find(c) != std::string_view::npos;
}

std::string with_control_bytes(std::string_view text) {
    std::string out = "$'";
    for (const char c : text) {
        if (is_control(c)) {
            out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
            continue;
        }
        if (c == '\'' || c == '\\') out += '\\';
        out += c;
    }
    return out + "'";
}

}  // namespace

std::string shell_word(std::string_view text) {
    if (std::any_of(text.begin(), text.end(), is_control)) return with_control_bytes(text);
    if (!text.empty() && std::all_of(text.begin(), text.end(), is_plain)) return std::string(text);
    std::string out = "'";
    for (const char c : text) {
        if (c == '\'') {
            out += "'\\''";
        } else {
            out += c;
        }
    }
    return out + "'";
}

std::string shell_line(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& word : words) {
        if (!out.empty()) out += ' ';
        out += shell_word(word);
    }
    return out;
}

}  // namespace fgread
