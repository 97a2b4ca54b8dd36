// WalkedFile: the units of a file with what their walks found, each walked when first asked for.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "symbols/dwarf_inlines.h"
#include "symbols/dwarf_lines.h"
#include "symbols/dwarf_names.h"
#include "symbols/dwarf_stats.h"
#include "symbols/dwarf_units.h"

namespace fgread {

// Counts of all threads.
class DwarfTally {
public:
    template <class Change>
    void update(Change&& change) {
        const std::scoped_lock lock(mutex_);
        change(stats_);
    }
    [[nodiscard]] DwarfStats snapshot() const {
        const std::scoped_lock lock(mutex_);
        return stats_;
    }

private:
    mutable std::mutex mutex_;
    DwarfStats stats_;
};

class WalkedFile;

// One unit after its walk.
struct WalkedUnit {
    const DwarfUnit* body = nullptr;  // where the DIEs are: for skeletons, the split unit
    UnitInlines inlines;
    std::unique_ptr<std::atomic<const FunctionName*>[]> names;  // by node, null until asked for

private:
    friend class WalkedFile;
    std::once_flag once_;
    std::once_flag lines_once_;
    LineTable lines_;
    std::unique_ptr<WalkedFile> split_;
    WalkedUnit* in_split_ = nullptr;  // skeletons: the walk of the unit in split_
};

// Thread-safe: whoever asks first walks, others of the same unit wait.
class WalkedFile final : public DwarfFile {
public:
    // Sections of the split file of a skeleton unit; nothing if it is not found.
    using FindSplit = std::function<std::optional<DwarfSections>(const DwarfUnit&)>;

    // `supplementary` and `tally` must outlive this object.
    WalkedFile(DwarfSections sections, const DwarfFile* supplementary, FindSplit find_split,
               DwarfTally& tally);

    // `unit` must be of this file. For a skeleton the walk of its split unit, if that is found.
    WalkedUnit& walked(const DwarfUnit& unit) const;
    const LineTable& lines(const DwarfUnit& unit) const;

    // The same for a unit of any file: all files of an index are WalkedFiles.
    static WalkedUnit& walk_any(const DwarfUnit& unit);

private:
    void walk(const DwarfUnit& unit, WalkedUnit& result) const;
    bool walk_split(const DwarfUnit& unit, WalkedUnit& result) const;

    FindSplit find_split_;
    DwarfTally& tally_;
    std::unique_ptr<WalkedUnit[]> walked_;  // by number of the unit
};

}  // namespace fgread
