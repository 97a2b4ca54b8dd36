// Whole files that were packed: kernel modules are kept as .ko.xz, .ko.gz and .ko.zst.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "perfdata/byte_reader.h"

namespace fgread {

// What a packed file expands to, told by its first bytes (gzip, xz, zstd); a file that is none of
// these is given back as it is. Nothing if it is damaged, cut, or expands to more than `max_size`
// bytes. Memory grows with what really comes out. Cost: 1 to 10 ns a byte of output. Thread-safe.
[[nodiscard]] std::optional<std::vector<std::byte>> unpack(ByteView file, std::uint64_t max_size);

}  // namespace fgread
