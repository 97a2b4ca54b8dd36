// How records follow each other: the 8-byte header, and the two types whose `size` does not say
// everything. Shared by all that walk records.
#pragma once

#include <cstdint>

#include "perfdata/byte_reader.h"
#include "perfdata/format.h"

namespace fgread {

struct RecordHeader {
    std::uint32_t type = 0;
    std::uint16_t misc = 0;
    std::uint16_t size = 0;  // includes the header
};

// At least record_header_size bytes at `bytes`.
[[nodiscard]] inline RecordHeader load_record_header(const std::byte* bytes, Endian endian) {
    return {load_unchecked<std::uint32_t>(bytes, endian),
            load_unchecked<std::uint16_t>(bytes + 4, endian),
            load_unchecked<std::uint16_t>(bytes + 6, endian)};
}

[[nodiscard]] constexpr bool has_outside_bytes(std::uint32_t type) {
    return type == format::record_auxtrace || type == format::record_header_tracing_data;
}

// Bytes that follow the record although its size does not count them: AUXTRACE's trace (u64 size)
// and HEADER_TRACING_DATA's format dump (u32 size). Whoever forgets them takes them for records.
[[nodiscard]] inline std::uint64_t outside_bytes(std::uint32_t type, ByteView body, Endian endian) {
    ByteReader in(body, endian);
    if (type == format::record_auxtrace) return in.u64();
    if (type == format::record_header_tracing_data) return in.u32();
    return 0;
}

}  // namespace fgread
