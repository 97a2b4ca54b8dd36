// UnitRanges: which unit has the code at an address.
//
// Ours, from the units' first DIEs: .debug_aranges is missing in what clang and rustc write
// (rust-lang/rust#45246), and optional everywhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "symbols/dwarf_units.h"

namespace fgread {

// Ranges of many units, by address. add() all, then sort(), then visit().
class UnitRanges {
public:
    void add(const DwarfUnit& unit, const SvmaRange& range) {
        ranges_.push_back({range.low, range.high, 0, &unit});
    }
    void sort();

    // Calls `visit(unit)` for the units whose ranges contain `svma` until it returns true. A unit
    // may come twice. Thread-safe.
    template <class Visit>
    bool visit(std::uint64_t svma, Visit&& visit) const {
        std::size_t next = first_after(svma);
        for (int step = 0; next > 0 && step < max_steps; ++step) {
            const Range& range = ranges_[--next];
            if (range.max_high <= svma) break;
            if (svma < range.high && visit(*range.unit)) return true;
        }
        return false;
    }

private:
    // How far a search goes back over ranges that begin before the address. One step in sound
    // files; more where one unit claims a span in which others lie.
    static constexpr int max_steps = 1024;

    struct Range {
        std::uint64_t low = 0;
        std::uint64_t high = 0;
        std::uint64_t max_high = 0;  // of this and all before: where the search back may stop
        const DwarfUnit* unit = nullptr;
    };

    [[nodiscard]] std::size_t first_after(std::uint64_t svma) const;

    std::vector<Range> ranges_;
};

// The units of a file that may have code.
struct CodeUnits {
    UnitRanges placed;                       // sorted
    std::vector<const DwarfUnit*> unplaced;  // do not say which addresses are theirs
};

// Cost: the range lists of the units' first DIEs.
[[nodiscard]] CodeUnits find_code_units(const DwarfFile& file, DwarfProblems& problems);

}  // namespace fgread
