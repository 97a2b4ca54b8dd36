// The standard descriptors of a tool, whatever state its caller left them in.
#pragma once

#include <string>

namespace fgread::tools {

// To be called first. A file opened while a standard descriptor is closed would get its number,
// and our output; and a reader that has seen enough (| head) would kill us before we clean up.
void prepare_standard_streams();

// "TOOL: TEXT" on stderr, in one line: paths in it may be of somebody else's machine, so control
// bytes are escaped. On a terminal the tool is bold and "warning:" yellow, unless NO_COLOR is set
// or TERM is dumb. A stderr that takes nothing is no failure.
void say(const char* tool, const std::string& text);

}  // namespace fgread::tools
