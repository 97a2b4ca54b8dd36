// Reading what stands before and after the records: the file header, the table of attrs with
// their ids, and the feature sections. Used by PerfFile::open.
#pragma once

#include <vector>

#include "perfdata/diagnostics.h"
#include "perfdata/header.h"
#include "perfdata/input_file.h"
#include "perfdata/result.h"
#include "perfdata/sample.h"

namespace fgread {

// The first 104 bytes, checked: after this, header.data.offset and the attr table lie inside the
// file. Counts file_truncated or file_not_finalised where that is so.
Result<FileHeader> read_file_header(const InputFile& file, Diagnostics& diagnostics);

// The attr table; at least one. Attrs get their ids, but no names yet. An id table that cannot be
// read is counted (feature_malformed) and left empty.
Result<std::vector<EventAttr>> read_attrs(const InputFile& file, const FileHeader& header,
                                          Diagnostics& diagnostics);

// The features that Features has room for. One that cannot be read is counted and absent.
Features read_features(const InputFile& file, const FileHeader& header, Diagnostics& diagnostics);

// Gives each attr its name: that of the description with one of its ids, else made up.
void name_events(const std::vector<EventDescription>& descriptions, std::vector<EventAttr>& attrs);

// A name from type and config alone, as perf would print it: "cycles", "cpu-clock",
// "L1-dcache-load-misses", "raw 0x1a8", "pmu-8/config=0x11/".
std::string made_up_event_name(const EventAttr& attr);

}  // namespace fgread
