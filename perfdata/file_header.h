// Reading what stands before and after the records: the file header, the table of attrs with
// their ids, and the feature sections. Used by PerfFile::open.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "perfdata/diagnostics.h"
#include "perfdata/header.h"
#include "perfdata/input_file.h"
#include "perfdata/result.h"
#include "perfdata/sample.h"

namespace fgread {

// What a recording begins with says what it is.
struct Container {
    enum class Kind : std::uint8_t { unknown, seekable, pipe };
    Kind kind = Kind::unknown;
    Endian endian = Endian::little;
};
// By at least 24 bytes, or all there are.
Container recognise(ByteView first_bytes);
inline constexpr std::size_t recognised_bytes = 24;

// The first 104 bytes of a seekable recording, checked: after this, header.data.offset and the attr
// table lie inside the file. Counts file_truncated or file_not_finalised where that is so.
Result<FileHeader> read_file_header(const InputFile& file, Diagnostics& diagnostics);

// The attr table; at least one. Attrs get their ids, but no names yet. An id table that cannot be
// read is counted (feature_malformed) and left empty.
Result<std::vector<EventAttr>> read_attrs(const InputFile& file, const FileHeader& header,
                                          Diagnostics& diagnostics);

// Fields of perf_event_attr; those behind the end of a short one read as 0.
EventAttr parse_attr(ByteView bytes, Endian endian);

// One feature, by its bit, from its section or from a HEADER_FEATURE record; nothing happens if
// Features has no room for it. The reader fails where the section is too short.
void read_feature(unsigned bit, ByteReader& in, Features& features);

// An entry of the build-id table, or a HEADER_BUILD_ID record: the body behind the record header.
// Nothing if it is malformed (then `body` has failed) or says not how long the id is.
std::optional<BuildIdEntry> read_build_id(std::uint16_t misc, ByteReader& body);

// The features that Features has room for. One that cannot be read is counted and absent.
Features read_features(const InputFile& file, const FileHeader& header, Diagnostics& diagnostics);

// Gives each attr its name: that of the description with one of its ids, else made up.
void name_events(const std::vector<EventDescription>& descriptions, std::vector<EventAttr>& attrs);

// A name from type and config alone, as perf would print it: "cycles", "cpu-clock",
// "L1-dcache-load-misses", "raw 0x1a8", "pmu-8/config=0x11/".
std::string made_up_event_name(const EventAttr& attr);

}  // namespace fgread
