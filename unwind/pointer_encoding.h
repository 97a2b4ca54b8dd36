// Pointers of .eh_frame and .eh_frame_hdr: a format and a base in one byte.
// LSB Core 5.0, 10.5.1 "DWARF Exception Header Encoding".
#pragma once

#include <cstdint>
#include <optional>

#include "perfdata/byte_reader.h"

namespace fgread {

// What the relative encodings are relative to; addresses are SVMAs.
struct PointerBases {
    std::uint64_t section = 0;  // address of the first byte the reader views: pcrel
    std::uint64_t text = 0;
    std::uint64_t data = 0;
    std::uint8_t address_size = 8;
};

// Reads one pointer. Nothing if the encoding is unknown, needs memory to be followed (indirect)
// or the bytes run out; in the latter case the reader has failed.
[[nodiscard]] std::optional<std::uint64_t> read_encoded(ByteReader& reader, std::uint8_t encoding,
                                                        const PointerBases& bases);

// Steps over a pointer whose value is of no interest (personality routine, LSDA), whatever its
// base. False if its size cannot be known.
[[nodiscard]] bool skip_encoded(ByteReader& reader, std::uint8_t encoding,
                                const PointerBases& bases);

// Bytes of a pointer of this encoding; 0 if it has no fixed size.
[[nodiscard]] unsigned encoded_size(std::uint8_t encoding, std::uint8_t address_size);

}  // namespace fgread
