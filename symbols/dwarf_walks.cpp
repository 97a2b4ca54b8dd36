#include "symbols/dwarf_walks.h"

#include <chrono>

#include "symbols/dwarf_split.h"

namespace fgread {

WalkedFile::WalkedFile(DwarfSections sections, const DwarfFile* supplementary, FindSplit find_split,
                       DwarfTally& tally)
    : DwarfFile(std::move(sections), supplementary),
      find_split_(std::move(find_split)),
      tally_(tally),
      walked_(new WalkedUnit[units().size()]) {}

WalkedUnit& WalkedFile::walk_any(const DwarfUnit& unit) {
    return static_cast<const WalkedFile*>(unit.file)->walked(unit);
}

WalkedUnit& WalkedFile::walked(const DwarfUnit& unit) const {
    WalkedUnit& result = walked_[static_cast<std::size_t>(&unit - units().data())];
    std::call_once(result.once_, [&] {
        const bool is_skeleton = !unit.dwo_name.empty() && unit.skeleton == nullptr;
        if (!is_skeleton || !walk_split(unit, result)) walk(unit, result);
    });
    return result.in_split_ == nullptr ? result : *result.in_split_;
}

const LineTable& WalkedFile::lines(const DwarfUnit& unit) const {
    WalkedUnit& result = walked_[static_cast<std::size_t>(&unit - units().data())];
    std::call_once(result.lines_once_, [&] {
        DwarfProblems met;
        result.lines_ = LineTable::build(unit, met);
        tally_.update([&](DwarfStats& stats) { stats.problems.bad_lines += met.bad_lines; });
    });
    return result.lines_;
}

void WalkedFile::walk(const DwarfUnit& unit, WalkedUnit& result) const {
    result.body = &unit;
    const auto start = std::chrono::steady_clock::now();
    DwarfProblems met;
    result.inlines = UnitInlines::build(unit, met);
    const auto took = std::chrono::steady_clock::now() - start;
    const std::size_t nodes = result.inlines.nodes().size();
    result.names = std::make_unique<std::atomic<const FunctionName*>[]>(nodes);
    tally_.update([&](DwarfStats& stats) {
        stats.problems.bad_units += met.bad_units;
        stats.problems.cut_walks += met.cut_walks;
        stats.problems.bad_ranges += met.bad_ranges;
        ++stats.units_walked;
        stats.dies_walked += result.inlines.dies();
        stats.intervals += result.inlines.interval_count();
        stats.walk_ns += static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::nanoseconds>(took).count());
    });
}

// False if there is no split file: then only what the skeleton itself has can be used.
bool WalkedFile::walk_split(const DwarfUnit& unit, WalkedUnit& result) const {
    if (std::optional<DwarfSections> sections = find_split_(unit)) {
        auto file = std::make_unique<WalkedFile>(std::move(*sections), supplementary(), FindSplit{},
                                                 tally_);
        file->attach_skeleton(unit.id, unit);
        // A .dwo of another build has another id, and its addresses would be wrong.
        if (const DwarfUnit* body = file->split_unit(unit.id)) {
            result.split_ = std::move(file);
            result.in_split_ = &result.split_->walked(*body);
            return true;
        }
    }
    tally_.update([&](DwarfStats& stats) {
        if (stats.problems.missing_split++ == 0) stats.first_missing_split = split_file_path(unit);
    });
    return false;
}

}  // namespace fgread
