// Compressed ELF sections: SHF_COMPRESSED (zlib, zstd), and GNU's older .zdebug_ sections (zlib).
#pragma once

#include <cstdint>
#include <string_view>

#include "perfdata/byte_reader.h"
#include "symbols/regular_file.h"

namespace fgread {

// Larger than any .symtab, .strtab or .eh_frame met (Chromium's .strtab: 400 MB). No section is
// read or expanded beyond that.
inline constexpr std::uint64_t max_section_bytes = std::uint64_t{1} << 30;

// The content of a section that has SHF_COMPRESSED: an Elf64_Chdr or Elf32_Chdr (`wide` or not),
// then the data (gabi, "Section Compression"). Empty if it is damaged, or expands beyond all
// reason. Thread-safe.
[[nodiscard]] OwnedBytes expand_section(ByteView raw, bool wide, Endian endian);

// True for ".zdebug_info" and its like, which gcc and gold wrote before binutils 2.26.
[[nodiscard]] bool has_old_compression(std::string_view section_name);
// Their content: "ZLIB", the size as eight bytes, most significant first, then a zlib stream.
// Without these four letters the content is not compressed. Empty as above.
[[nodiscard]] OwnedBytes expand_old_section(OwnedBytes raw);

}  // namespace fgread
