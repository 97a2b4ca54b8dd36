// UnitRanges: which unit has the code at an address.
//
// Ours, from the units' first DIEs: .debug_aranges is missing in what clang and rustc write
// (rust-lang/rust#45246), and optional everywhere.
#pragma once

#include <cstdint>
#include <vector>

#include "symbols/dwarf_units.h"

namespace fgread {

class UnitRanges {
public:
    // Cost: the range lists of the units' first DIEs.
    UnitRanges(const DwarfFile& file, DwarfProblems& problems);

    // Calls `visit(unit)` for the units that may have code at `svma` until it returns true: first
    // those whose ranges contain it, then those that do not say where their code is.
    template <class Visit>
    bool visit(std::uint64_t svma, Visit&& visit) const {
        std::size_t next = first_after(svma);
        for (int tried = 0; next > 0 && tried < max_candidates; ++tried) {
            const Range& range = ranges_[--next];
            if (range.max_high <= svma) break;
            if (svma < range.high && visit(*range.unit)) return true;
        }
        for (const DwarfUnit* unit : unplaced_) {
            if (visit(*unit)) return true;
        }
        return false;
    }

private:
    // Ranges that begin before an address and are looked at: one in sound files. Overlaps occur
    // where identical code was folded, and in damaged files.
    static constexpr int max_candidates = 64;

    struct Range {
        std::uint64_t low = 0;
        std::uint64_t high = 0;
        std::uint64_t max_high = 0;  // of this and all before: where the search back may stop
        const DwarfUnit* unit = nullptr;
    };

    void add(const DwarfUnit& unit, DwarfProblems& problems);
    [[nodiscard]] std::size_t first_after(std::uint64_t svma) const;

    std::vector<Range> ranges_;  // sorted by low
    std::vector<const DwarfUnit*> unplaced_;
};

}  // namespace fgread
