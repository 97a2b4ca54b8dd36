// Recordings that somebody compressed as a whole: perf.data.gz, .xz, .zst.
#pragma once

#include <memory>
#include <string>

#include "perfdata/byte_source.h"

namespace fgread {

enum class Wrapping : std::uint8_t { none, gzip, xz, zstd };

// By the magic number that `bytes` (6 are enough) begin with.
Wrapping wrapping_of(ByteView bytes);

// What `packed` holds, unpacked as it is read; several members or frames in a row are one (as of
// pigz, pixz, zstd -T). Packed data that is damaged or cut gives what comes before the damage, then
// an error; `name` is its path in messages. Memory: the format's own, at most 128 MiB.
std::unique_ptr<ByteSource> unpack(std::unique_ptr<ByteSource> packed, Wrapping wrapping,
                                   std::string name);

}  // namespace fgread
