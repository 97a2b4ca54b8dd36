// fgdump FILE, fgdump --summary and fgdump --records: what is in a recording.
#pragma once

#include <string>

#include "perfdata/diagnostics.h"
#include "perfdata/result.h"
#include "tools/dump_output.h"

namespace fgread::tools {

// Header, features, events, build-ids, and how many records there are of each type.
Result<void> dump_summary(const std::string& path, DumpOutput& out, Diagnostics& diagnostics);

// How many records there are of each type, alone.
Result<void> dump_record_counts(const std::string& path, DumpOutput& out, Diagnostics& diagnostics);

// The head of dump_summary, then one line for each record, in file order.
Result<void> dump_records(const std::string& path, DumpOutput& out, Diagnostics& diagnostics);

}  // namespace fgread::tools
