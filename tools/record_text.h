// One record's fields as a line of text, for fgdump --records.
#pragma once

#include <string>

#include "perfdata/reader.h"
#include "perfdata/record.h"

namespace fgread::tools {

// What stands behind a record's header; "malformed" if that is too short, nothing for types without
// fields and for those this reader does not know. Holds no control bytes.
std::string record_text(const PerfFile& file, const RecordView& record);

// Of the records that perf itself writes (types from 64 on).
std::string tool_record_text(const RecordView& record);

inline std::string malformed() { return "malformed"; }
std::string hex_text(ByteView bytes);

}  // namespace fgread::tools
