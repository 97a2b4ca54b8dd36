// What a PerfFile holds. Private to reader.cpp, scan.cpp and ordered_reader.cpp.
#pragma once

#include <tsl/robin_map.h>

#include <vector>

#include "perfdata/reader.h"
#include "perfdata/record_hopper.h"

namespace fgread {

// For recordings made with perf record -z.
Error compressed_error(const std::string& path);

struct PerfFile::State {
    explicit State(InputFile input) : file(std::move(input)) {}

    InputFile file;
    FileHeader header;
    Features features;
    std::vector<EventAttr> attrs;
    std::vector<SampleLayout> layouts;                 // one for each attr
    tsl::robin_map<std::uint64_t, std::size_t> by_id;  // index into attrs
    // Indices of attrs that between them have every position an id can be at; one in real files.
    std::vector<std::size_t> id_positions;
    bool uniform = false;  // all attrs have the same fixed fields: any layout finds time and id
    bool timed = false;    // all records of the kernel carry a time
    std::uint64_t data_end = 0;

    // Which SampleLayout fits a record of the kernel that is not a SAMPLE.
    const SampleLayout& trailer_layout(const RecordView& record) const;
    // True if compressed records come before the first sample, as in all that perf record -z
    // writes.
    bool begins_compressed() const;
    // Gives the build-id table to the images of a recording; best before the first is interned.
    void apply_build_ids(MappingTable& mappings) const;
    // Counts what made `hopper` stop, if it was not the end.
    void report_stop(const RecordHopper& hopper, Diagnostics& diagnostics) const;
};

}  // namespace fgread
