#include "render/append_format.h"

#include <iterator>

namespace fgread {

void append_formatted(std::string& to, fmt::string_view format, fmt::format_args values) {
    fmt::vformat_to(std::back_inserter(to), format, values);
}

}  // namespace fgread
