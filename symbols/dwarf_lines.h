// Line tables (DWARF 5, 6.2): which source line an address belongs to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "symbols/dwarf_units.h"

namespace fgread {

struct LineRow {
    std::uint64_t address = 0;
    std::uint32_t line = 0;
    std::uint16_t file = 0;    // index for file_name(); larger ones do not occur
    std::uint16_t column = 0;  // larger ones are cut to 65535
};

// The table of one unit. Immutable once built: share it between threads. Views into the file's
// sections, which must outlive it.
class LineTable {
public:
    // An empty table if the unit has none or its header is unreadable (then `problems` counts).
    // A damaged program keeps the sequences before the damage.
    // Cost: 10 to 20 ns per row, 16 bytes of memory per kept row.
    static LineTable build(const DwarfUnit& unit, DwarfProblems& problems);

    // The last row at or before `svma` of the sequence around it; null if there is none.
    [[nodiscard]] const LineRow* find(std::uint64_t svma) const;

    // Full path as far as the table says it: directory and compilation directory joined. `index`
    // as rows and DW_AT_call_file have it; empty if out of range.
    [[nodiscard]] std::string file_name(std::uint64_t index) const;

    [[nodiscard]] std::size_t row_count() const { return rows_.size(); }

private:
    friend class LineReader;

    struct File {
        std::string_view name;
        std::uint64_t directory = 0;
    };
    // Rows [first, last) cover [rows[first].address, high).
    struct Sequence {
        std::uint64_t low = 0;
        std::uint64_t high = 0;
        std::size_t first = 0;
        std::size_t last = 0;
    };

    std::uint16_t version_ = 0;
    std::string_view comp_dir_;
    std::vector<std::string_view> directories_;  // DWARF 5: 0 is the compilation directory
    std::vector<File> files_;                    // DWARF 5: counted from 0, before: from 1
    std::vector<LineRow> rows_;
    std::vector<Sequence> sequences_;  // sorted by low
};

}  // namespace fgread
