// append_format: fmt's text, at the end of a string.
//
// fmt::format_to does the same, and has each file that calls it compile all of fmt's formatting
// anew (two to three seconds a file); this is compiled once. Within the project only: libfgread's
// users see no fmt.
#pragma once

#include <fmt/format.h>

#include <string>

namespace fgread {

void append_formatted(std::string& to, fmt::string_view format, fmt::format_args values);

template <typename... Values>
void append_format(std::string& to, fmt::format_string<Values...> format, Values&&... values) {
    append_formatted(to, format, fmt::make_format_args(values...));
}

}  // namespace fgread
