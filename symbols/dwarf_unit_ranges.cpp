#include "symbols/dwarf_unit_ranges.h"

#include <dwarf.h>

#include <algorithm>

#include "symbols/dwarf_ranges.h"

namespace fgread {

namespace {

void add_unit(const DwarfUnit& unit, RangeBudget& budget, CodeUnits& units,
              DwarfProblems& problems) {
    if (!unit.has_ranges_attribute) {
        // gcc's early LTO debug information is many units of abstract functions without a single
        // address: their abbreviations say so.
        const AbbrevTable* abbrevs = unit.has_children ? unit.file->abbrevs(unit) : nullptr;
        if (abbrevs != nullptr && abbrevs->may_have_code()) units.unplaced.push_back(&unit);
        return;
    }
    std::vector<SvmaRange> found;
    if (!append_ranges(unit, unit.pcs, budget, found)) ++problems.bad_ranges;
    for (const SvmaRange& range : found) units.placed.add(unit, range);
}

}  // namespace

void UnitRanges::sort() {
    std::sort(ranges_.begin(), ranges_.end(), [](const Range& a, const Range& b) {
        // The first unit of several with the same range is looked at first.
        return a.low != b.low ? a.low < b.low : a.unit > b.unit;
    });
    std::uint64_t max_high = 0;
    for (Range& range : ranges_) {
        max_high = std::max(max_high, range.high);
        range.max_high = max_high;
    }
}

std::size_t UnitRanges::first_after(std::uint64_t svma) const {
    const auto after =
        std::upper_bound(ranges_.begin(), ranges_.end(), svma,
                         [](std::uint64_t value, const Range& range) { return value < range.low; });
    return static_cast<std::size_t>(after - ranges_.begin());
}

CodeUnits find_code_units(const DwarfFile& file, DwarfProblems& problems) {
    CodeUnits units;
    RangeBudget budget = RangeBudget::for_units(file.sections());
    for (const DwarfUnit& unit : file.units()) {
        const bool may_have_code =
            unit.tag == DW_TAG_compile_unit || unit.tag == DW_TAG_skeleton_unit;
        if (may_have_code) add_unit(unit, budget, units, problems);
    }
    units.placed.sort();
    return units;
}

}  // namespace fgread
