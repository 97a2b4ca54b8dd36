// fgread --list-events.
#pragma once

#include <string>

#include "perfdata/diagnostics.h"
#include "perfdata/result.h"

namespace fgread::tools {

// The events of a recording, each a line with its number of samples and its name, which --event
// takes.
Result<std::string> event_list(const std::string& path, Diagnostics& diagnostics);

}  // namespace fgread::tools
