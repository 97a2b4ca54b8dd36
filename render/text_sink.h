// TextSink: where a writer's text goes.
#pragma once

#include <functional>
#include <string_view>

namespace fgread {

// Takes a piece of output; false means that no more is wanted (a closed pipe, a full disk): the
// writer stops and returns false.
using TextSink = std::function<bool(std::string_view)>;

}  // namespace fgread
