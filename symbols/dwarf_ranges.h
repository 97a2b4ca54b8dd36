// Which addresses a DIE covers: DW_AT_low_pc/high_pc or DW_AT_ranges (DWARF 5, 2.17).
#pragma once

#include <cstdint>
#include <vector>

#include "symbols/dwarf_sections.h"
#include "symbols/dwarf_units.h"

namespace fgread {

// How many range list entries may still be read. Every list of a sound file is read about once,
// but many DIEs can point to one long list: entries would be the square of the input.
struct RangeBudget {
    std::uint64_t entries = 0;

    // For the DIEs of one unit: those of gcc, clang and rustc have 50 to 100 bytes per range.
    static RangeBudget for_dies(const DwarfUnit& unit) { return {unit.bytes.size() / 4 + 256}; }
    // For the first DIEs of all units. A skeleton unit has 60 bytes and may have a range for each
    // of a thousand functions, so this goes by the lists: an entry has a byte at least.
    static RangeBudget for_units(const DwarfSections& sections) {
        return {sections[DwarfSection::ranges].size() + sections[DwarfSection::rnglists].size()};
    }
};

// Appends the ranges that hold code, in the order of the DIE; skips empty ones, those of dropped
// functions (address 0, or the linker's tombstone -1 or -2), and what is in no executable section.
// False if a list is damaged or the budget used up: what was read before is kept.
bool append_ranges(const DwarfUnit& unit, const PcAttributes& attributes, RangeBudget& budget,
                   std::vector<SvmaRange>& out);

}  // namespace fgread
