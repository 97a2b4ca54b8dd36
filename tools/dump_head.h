// What fgdump shows of a recording's head: header, features, events.
#pragma once

#include "perfdata/reader.h"
#include "tools/dump_output.h"

namespace fgread::tools {

// Layout of the file, and the features that say where, when and how it was recorded.
void dump_header(const PerfFile& file, DumpOutput& out);
// One paragraph for each attr.
void dump_events(const PerfFile& file, DumpOutput& out);
// The build-id table.
void dump_build_ids(const PerfFile& file, DumpOutput& out);

}  // namespace fgread::tools
