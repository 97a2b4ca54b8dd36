// From file offsets to addresses: which part of a binary a mapping shows.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "perfdata/address.h"
#include "symbols/elf_image.h"

namespace fgread {

// The PT_LOADs of an image, or, in a file without any (the ELF files `perf inject -j` writes), its
// executable sections in their place. Enough to turn file offsets into addresses.
[[nodiscard]] std::vector<Segment> loaded_segments(const ElfImage& image);

// The address at which the ELF file sees the first byte of a mapping of [file_offset,
// file_offset + length); nothing if no segment lies there. The kernel maps whole pages, so a
// mapping begins up to a page before its segment, and neighbouring segments share file pages:
// the segment whose pages agree best with the mapping is taken, executable ones first.
[[nodiscard]] std::optional<Svma> svma_of_mapping(const std::vector<Segment>& segments,
                                                  std::uint64_t file_offset, std::uint64_t length);

}  // namespace fgread
