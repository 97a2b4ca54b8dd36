#include "render/text_escape.h"

#include "render/append_format.h"

namespace fgread {

namespace {

constexpr std::string_view replacement = "\xef\xbf\xbd";  // U+FFFD
constexpr std::string_view ellipsis = "\xe2\x80\xa6";

unsigned byte_at(std::string_view text, std::size_t at) {
    return static_cast<unsigned char>(text[at]);
}

bool is_continuation(unsigned byte) { return (byte & 0xc0) == 0x80; }

// Length of the character that `text` begins with: 0 if that is not UTF-8 or may not be in XML.
// Unicode 15, table 3-7.
std::size_t character_length(std::string_view text) {
    const unsigned lead = byte_at(text, 0);
    if (lead < 0x80) return 1;
    const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
    unsigned code = lead & (0x7fu >> length);
    for (std::size_t i = 1; i < length; ++i) {
        if (!is_continuation(byte_at(text, i))) return 0;
        code = code << 6 | (byte_at(text, i) & 0x3f);
    }
    const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
    const bool surrogate = code >= 0xd800 && code <= 0xdfff;
    if (overlong || surrogate || code > 0x10ffff || (code & 0xfffe) == 0xfffe) return 0;
    // C1 controls: NEL and the like, shown by nothing and obeyed by some terminals.
    return code < 0xa0 ? 0 : length;
}

}  // namespace

std::string printable(std::string_view bytes, std::size_t max_bytes) {
    std::string text;
    text.reserve(bytes.size());
    while (!bytes.empty()) {
        if (text.size() >= max_bytes) {
            text += ellipsis;
            break;
        }
        const unsigned byte = byte_at(bytes, 0);
        const std::size_t length = character_length(bytes);
        if (byte < 0x20 || byte == 0x7f)
            append_format(text, "\\x{:02x}", byte);
        else if (length == 0)
            text += replacement;
        else
            text += bytes.substr(0, length);
        bytes.remove_prefix(length == 0 ? 1 : length);
    }
    return text;
}

void append_xml(std::string& to, std::string_view text) {
    for (const char byte : text) {
        switch (byte) {
            case '&':
                to += "&amp;";
                break;
            case '<':
                to += "&lt;";
                break;
            case '>':
                to += "&gt;";
                break;
            case '"':
                to += "&quot;";
                break;
            case '\'':
                to += "&#39;";
                break;
            default:
                to += byte;
        }
    }
}

void append_json(std::string& to, std::string_view text) {
    to += '"';
    for (std::size_t i = 0; i < text.size(); ++i) {
        const unsigned byte = byte_at(text, i);
        const std::string_view rest = text.substr(i);
        if (byte == '"' || byte == '\\') {
            to += '\\';
            to += text[i];
        } else if (byte < 0x20 || byte == '<' || byte == '>' || byte == '&' || byte == '\'') {
            append_format(to, "\\u{:04x}", byte);
        } else if (rest.starts_with("\xe2\x80\xa8") || rest.starts_with("\xe2\x80\xa9")) {
            // Line separators: JSON allows them, JavaScript before 2019 did not.
            to += byte_at(text, i + 2) == 0xa8 ? "\\u2028" : "\\u2029";
            i += 2;
        } else {
            to += text[i];
        }
    }
    to += '"';
}

std::size_t character_count(std::string_view text) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < text.size(); ++i) count += !is_continuation(byte_at(text, i));
    return count;
}

std::string_view first_characters(std::string_view text, std::size_t count) {
    std::size_t end = 0;
    for (; end < text.size(); ++end) {
        if (is_continuation(byte_at(text, end))) continue;
        if (count == 0) break;
        --count;
    }
    return text.substr(0, end);
}

}  // namespace fgread
