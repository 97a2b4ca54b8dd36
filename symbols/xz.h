// Expands .xz data in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "perfdata/byte_reader.h"

namespace fgread {

// The content of one or more concatenated .xz streams (xz-file-format 1.1). Nothing if it is
// damaged, cut, expands to more than `max_size` bytes, or needs more than 64 MiB for its
// dictionary ("xz -9" has that). Memory grows with what really comes out, not with what a header
// declares. Cost: 10 ns a byte of output. Thread-safe.
[[nodiscard]] std::optional<std::vector<std::byte>> expand_xz(ByteView packed,
                                                              std::uint64_t max_size);

}  // namespace fgread
