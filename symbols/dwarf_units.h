// The units of one file with DWARF: headers, bases, abbreviations, and what attributes mean.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include <tsl/robin_map.h>

#include "symbols/dwarf_abbrev.h"
#include "symbols/dwarf_forms.h"
#include "symbols/dwarf_sections.h"
#include "symbols/dwarf_stats.h"

namespace fgread {

class DwarfFile;

// Where a DIE's code is, as its attributes have it; absent ones are none.
struct PcAttributes {
    FormValue low_pc, high_pc, ranges;

    [[nodiscard]] bool any() const { return ranges || (low_pc && high_pc); }
};

// One unit: its header (DWARF 5, 7.5.1) and what its first DIE says about the rest.
struct DwarfUnit {
    const DwarfFile* file = nullptr;
    ByteView bytes;            // the whole unit, header included: DIE offsets count from here
    std::uint64_t offset = 0;  // of `bytes` in .debug_info or .debug_types
    FormSizes sizes;
    std::uint8_t type = 0;        // DW_UT_*; DWARF 2 to 4: DW_UT_compile or DW_UT_type
    std::uint32_t first_die = 0;  // offset in `bytes`
    std::uint64_t abbrev_offset = 0;
    std::uint64_t id = 0;        // DWO id, or signature of a type unit
    std::uint32_t type_die = 0;  // type units: the type's DIE

    std::uint16_t tag = 0;       // of the first DIE
    std::uint16_t language = 0;  // DW_LANG_*
    bool has_children = false;
    PcAttributes pcs;                   // of the first DIE
    bool has_ranges_attribute = false;  // the unit says which addresses are its own
    std::uint64_t low_pc = 0;           // base of its range lists
    std::uint64_t str_offsets_base = 0;
    std::uint64_t addr_base = 0;
    std::uint64_t rnglists_base = 0;
    std::uint64_t ranges_base = 0;  // GNU split DWARF 4: of the ranges in the .dwo
    std::optional<std::uint64_t> line_offset;
    std::string_view name, comp_dir;
    std::string_view dwo_name;  // skeleton units only
    // Split units: the skeleton that says where addresses are. Null: the unit itself.
    const DwarfUnit* skeleton = nullptr;
};

// A DIE: its unit and its offset in the unit's bytes. Valid as long as the file.
struct DieRef {
    const DwarfUnit* unit = nullptr;
    std::uint32_t offset = 0;

    explicit operator bool() const { return unit != nullptr; }
    friend bool operator==(const DieRef&, const DieRef&) = default;
};

// Units of 4 GiB or more are not read: no compiler writes one, and offsets stay 32 bits.
inline constexpr std::uint64_t max_unit_size = 0xffff'ffff;

// All units of one ELF file. Immutable but for the abbreviation cache, which is locked:
// thread-safe. Not movable: units point back.
class DwarfFile {
public:
    // `sections` are kept. `supplementary` (dwz) may be null, and must outlive this object.
    // Cost: one visit per unit header and first DIE.
    DwarfFile(DwarfSections sections, const DwarfFile* supplementary);
    DwarfFile(const DwarfFile&) = delete;
    DwarfFile& operator=(const DwarfFile&) = delete;

    [[nodiscard]] const DwarfSections& sections() const { return sections_; }
    // Units of .debug_info in file order, then those of .debug_types.
    [[nodiscard]] const std::vector<DwarfUnit>& units() const { return units_; }
    [[nodiscard]] std::uint64_t bad_units() const { return bad_units_; }

    // The abbreviations of one of units(); null if its table would exceed the file's budget. The
    // first call for a unit takes a lock.
    [[nodiscard]] const AbbrevTable* abbrevs(const DwarfUnit& unit) const;

    // The DIE at an offset of .debug_info; empty if no unit is there.
    [[nodiscard]] DieRef die_at(std::uint64_t info_offset) const;
    [[nodiscard]] DieRef type_die(std::uint64_t signature) const;
    [[nodiscard]] const DwarfFile* supplementary() const { return supplementary_; }

    // The unit of a split file with that DWO id; null if there is none.
    [[nodiscard]] const DwarfUnit* split_unit(std::uint64_t dwo_id) const;
    // Ties split units to their skeleton; to be called before the file is shared.
    void attach_skeleton(std::uint64_t dwo_id, const DwarfUnit& skeleton);

private:
    void read_units(DwarfSection section);
    const AbbrevTable* find_abbrevs(const DwarfUnit& unit) const;
    bool read_header(DwarfUnit& unit, DwarfSection section) const;
    bool read_first_die(DwarfUnit& unit);

    DwarfSections sections_;
    const DwarfFile* supplementary_;
    std::vector<DwarfUnit> units_;
    std::size_t info_units_ = 0;
    std::uint64_t bad_units_ = 0;
    tsl::robin_map<std::uint64_t, std::uint32_t> type_units_;
    std::uint64_t first_die_budget_ = 0;

    mutable std::unique_ptr<std::atomic<const AbbrevTable*>[]> abbrevs_of_unit_;
    mutable std::mutex abbrev_mutex_;
    // By offset, and by the sizes that went into the plan.
    mutable tsl::robin_map<std::uint64_t, std::unique_ptr<AbbrevTable>> abbrev_tables_;
    mutable std::uint64_t abbrev_budget_ = 0;
};

// What an attribute's value means in its unit. Empty or 0 where the value is of another class or
// points outside its section.
[[nodiscard]] std::string_view attribute_string(const DwarfUnit& unit, const FormValue& value);
[[nodiscard]] std::optional<std::uint64_t> attribute_address(const DwarfUnit& unit,
                                                             const FormValue& value);
[[nodiscard]] DieRef attribute_reference(const DwarfUnit& unit, const FormValue& value);

// Calls `visit(name, value)` for each attribute of the DIE; false if there is no readable DIE.
template <class Visit>
bool visit_attributes(DieRef die, Visit&& visit) {
    const AbbrevTable* table = die.unit->file->abbrevs(*die.unit);
    if (table == nullptr) return false;
    DieCursor cursor(die.unit->bytes, die.offset);
    const Abbrev* abbrev = table->find(cursor.uleb());
    if (abbrev == nullptr) return false;
    for (const AttributeSpec& spec : table->specs(*abbrev)) {
        const FormValue value =
            read_form(cursor, spec.layout, die.unit->sizes, spec.implicit_const);
        if (!cursor.ok()) return false;
        visit(spec.name, value);
    }
    return true;
}

}  // namespace fgread
