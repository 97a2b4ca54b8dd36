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

}  // namespace fgread
