// Which records say who ran and what was mapped. Shared by the first pass over a file (scan.cpp)
// and the one over a stream (stream_batches.cpp).
#pragma once

#include <cstdint>

#include "perfdata/format.h"
#include "perfdata/process_table.h"
#include "perfdata/record.h"

namespace fgread {

struct TimedEvent {
    EventTime when;
    ProcessEvent event;
};

[[nodiscard]] constexpr bool is_side_band(std::uint32_t type) {
    return type == format::record_mmap || type == format::record_mmap2 ||
           type == format::record_comm || type == format::record_fork ||
           type == format::record_exit || type == format::record_ksymbol ||
           type == format::record_cgroup;
}

// `dwarf` recordings hold every mapping of data, which may be most of the side-band.
[[nodiscard]] constexpr bool is_data_map(std::uint32_t type, std::uint16_t misc) {
    return (type == format::record_mmap || type == format::record_mmap2) &&
           (misc & format::misc_mmap_data) != 0;
}

[[nodiscard]] constexpr bool counts_lost_events(std::uint32_t type) {
    return type == format::record_lost || type == format::record_lost_samples;
}

// What such a record counts; 0 if it is malformed, or counts what a BPF filter did not want.
[[nodiscard]] inline std::uint64_t lost_events(const RecordView& record) {
    ByteReader in(record.body, record.endian);
    if (record.type == format::record_lost) in.skip(8);  // id
    const bool filtered = record.type == format::record_lost_samples &&
                          (record.misc & format::misc_lost_samples_bpf) != 0;
    return filtered ? 0 : in.u64();
}

}  // namespace fgread
