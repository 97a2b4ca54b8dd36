// The DWARF sections of one ELF file, as bytes.
//
// The one place where the inline index meets ELF. ElfImage expands compressed sections, so that
// they are expanded once per file and not once per thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "perfdata/byte_reader.h"
#include "symbols/elf_image.h"

namespace fgread {

enum class DwarfSection : std::uint8_t {
    info,
    types,  // DWARF 4 type units; DWARF 5 has them in info
    abbrev,
    str,
    line_str,
    line,
    str_offsets,
    addr,
    ranges,    // DWARF 2 to 4
    rnglists,  // DWARF 5
    cu_index,  // only in .dwp
    tu_index,
    count_,
};

inline constexpr std::size_t dwarf_section_count = static_cast<std::size_t>(DwarfSection::count_);

// [low, high) of stated addresses.
struct SvmaRange {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
};

// Views of the sections, absent ones empty; copies share the bytes.
struct DwarfSections {
    std::array<ByteView, dwarf_section_count> bytes;
    Endian endian = Endian::little;
    // Sorted addresses of executable sections. Debug information of functions the linker dropped
    // claims addresses near 0, which may lie in .text of a shared library: what is not in here is
    // not code. Empty: unknown (relocatable files), everything counts as code.
    std::vector<SvmaRange> code;
    // Sections that are there but cannot be read or expanded, or need relocation (kernel modules).
    std::uint64_t skipped = 0;
    std::shared_ptr<const void> owner;  // keeps the bytes

    [[nodiscard]] ByteView operator[](DwarfSection section) const {
        return bytes[static_cast<std::size_t>(section)];
    }
    [[nodiscard]] bool is_code(std::uint64_t svma) const;
};

// Which names to look for: .debug_info, or .debug_info.dwo as split DWARF files have.
enum class DwarfFlavour : std::uint8_t { whole, split };

// Whether line tables are wanted: a sixth of all debug information, which names do not need.
enum class DwarfLines : std::uint8_t { skip, read };

// How many bytes read_dwarf_sections() would keep in memory, at most; a compressed section counts
// five times. Cost: nothing is read.
[[nodiscard]] std::uint64_t dwarf_section_bytes(const ElfImage& image, DwarfFlavour flavour,
                                                DwarfLines lines);

// Reads the sections; `image` is not needed afterwards. Cost: reading and expanding them.
[[nodiscard]] DwarfSections read_dwarf_sections(const ElfImage& image,
                                                DwarfFlavour flavour = DwarfFlavour::whole,
                                                DwarfLines lines = DwarfLines::read);

}  // namespace fgread
