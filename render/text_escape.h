// Names of unknown origin made safe for XML, HTML and JSON.
//
// A function's name is whatever bytes a symbol table holds. These functions take any bytes and
// write text that is well-formed and that no browser takes for markup.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace fgread {

// Valid UTF-8 without anything XML 1.0 forbids: control bytes become "\x1b" as everywhere in this
// project, bytes that are no UTF-8 (or a noncharacter) become U+FFFD. Names beyond `max_bytes` end
// with "…".
[[nodiscard]] std::string printable(std::string_view bytes, std::size_t max_bytes = 4096);

// `text` is what printable() gave. For element content and for attribute values in either quote.
void append_xml(std::string& to, std::string_view text);

// The quoted JSON string. Safe inside <script>: neither "</script>" nor "<!--" nor U+2028 is in it.
void append_json(std::string& to, std::string_view text);

// How many characters (code points) `text` has.
[[nodiscard]] std::size_t character_count(std::string_view text);

// The first `count` characters of `text`.
[[nodiscard]] std::string_view first_characters(std::string_view text, std::size_t count);

}  // namespace fgread
