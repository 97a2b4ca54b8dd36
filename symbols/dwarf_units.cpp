#include "symbols/dwarf_units.h"

#include <algorithm>

#include <dwarf.h>

namespace fgread {

namespace {

// Every table of a sound file is read once, so their sum is at most the section. Overlapping
// tables (one per byte of the section) would otherwise cost its square.
constexpr std::uint64_t abbrev_budget_factor = 2;
// Looking for the first DIE's abbreviation reads a table's beginning once more per unit; dwz
// shares tables between units and sorts them by use, so it may be late in the table.
constexpr std::uint64_t first_die_budget_factor = 16;
constexpr std::uint64_t abbrev_budget_allowance = 1 << 20;

// A DwarfUnit is some 300 bytes, and 13 bytes of input can claim to be a unit. Real ones have
// thousands of bytes, type units hundreds.
constexpr std::uint64_t min_average_unit = 64;
constexpr std::uint64_t unit_allowance = 1 << 16;

std::string_view as_text(ByteView bytes) {
    return {static_cast<const char*>(static_cast<const void*>(bytes.data())), bytes.size()};
}

std::string_view text_at(ByteView section, std::uint64_t offset) {
    if (offset >= section.size()) return {};
    DieCursor cursor(section, static_cast<std::size_t>(offset));
    const ByteView text = cursor.c_string();
    if (!cursor.ok()) return {};
    return as_text(text);
}

// Entry `index` of a table of `entry_size`-byte numbers that starts at `base`.
std::optional<std::uint64_t> table_entry(ByteView section, std::uint64_t base, std::uint64_t index,
                                         std::size_t entry_size, Endian endian) {
    if (base > section.size() || index >= section.size() / entry_size) return std::nullopt;
    DieCursor cursor(section, static_cast<std::size_t>(base));
    cursor.skip(index * entry_size);
    const std::uint64_t value = cursor.read_sized(entry_size, endian);
    if (!cursor.ok()) return std::nullopt;
    return value;
}

// What units without the attribute use: DWARF 5 split units start behind the table's header,
// GNU split units of DWARF 4 have none.
std::uint64_t default_table_base(const DwarfUnit& unit, std::uint64_t header_tail) {
    if (unit.sizes.version < 5) return 0;
    const std::uint64_t length_size = unit.sizes.offset_size == 8 ? 12 : 4;
    return length_size + header_tail;
}

// The unit that holds addr_base: split units have none of their own.
const DwarfUnit& address_unit(const DwarfUnit& unit) {
    return unit.skeleton == nullptr ? unit : *unit.skeleton;
}

}  // namespace

std::string_view attribute_string(const DwarfUnit& unit, const FormValue& value) {
    const DwarfSections& sections = unit.file->sections();
    switch (value.form_class) {
        case FormClass::string_inline:
            return as_text(value.bytes);
        case FormClass::string_offset:
            return text_at(sections[DwarfSection::str], value.value);
        case FormClass::line_string_offset:
            return text_at(sections[DwarfSection::line_str], value.value);
        case FormClass::string_supplementary: {
            const DwarfFile* other = unit.file->supplementary();
            if (other == nullptr) return {};
            return text_at(other->sections()[DwarfSection::str], value.value);
        }
        case FormClass::string_index: {
            const auto offset =
                table_entry(sections[DwarfSection::str_offsets], unit.str_offsets_base, value.value,
                            unit.sizes.offset_size, sections.endian);
            if (!offset) return {};
            return text_at(sections[DwarfSection::str], *offset);
        }
        default:
            return {};
    }
}

std::optional<std::uint64_t> attribute_address(const DwarfUnit& unit, const FormValue& value) {
    if (value.form_class == FormClass::address) return value.value;
    if (value.form_class != FormClass::address_index) return std::nullopt;
    const DwarfUnit& owner = address_unit(unit);
    const DwarfSections& sections = owner.file->sections();
    return table_entry(sections[DwarfSection::addr], owner.addr_base, value.value,
                       unit.sizes.address_size, sections.endian);
}

DieRef attribute_reference(const DwarfUnit& unit, const FormValue& value) {
    switch (value.form_class) {
        case FormClass::reference_unit:
            if (value.value >= unit.bytes.size()) return {};
            return {&unit, static_cast<std::uint32_t>(value.value)};
        case FormClass::reference_info:
            return unit.file->die_at(value.value);
        case FormClass::reference_supplementary:
            if (unit.file->supplementary() == nullptr) return {};
            return unit.file->supplementary()->die_at(value.value);
        case FormClass::reference_signature:
            return unit.file->type_die(value.value);
        default:
            return {};
    }
}

DwarfFile::DwarfFile(DwarfSections sections, const DwarfFile* supplementary)
    : sections_(std::move(sections)), supplementary_(supplementary) {
    const std::uint64_t size = sections_[DwarfSection::abbrev].size();
    abbrev_budget_ = size * abbrev_budget_factor + abbrev_budget_allowance;
    first_die_budget_ = size * first_die_budget_factor + abbrev_budget_allowance;
    read_units(DwarfSection::info);
    info_units_ = units_.size();
    read_units(DwarfSection::types);
    abbrevs_of_unit_ = std::make_unique<std::atomic<const AbbrevTable*>[]>(units_.size());
    for (std::size_t i = 0; i < units_.size(); ++i) {
        const DwarfUnit& unit = units_[i];
        const bool is_type = unit.type == DW_UT_type || unit.type == DW_UT_split_type;
        if (is_type) type_units_.emplace(unit.id, static_cast<std::uint32_t>(i));
    }
}

void DwarfFile::read_units(DwarfSection section) {
    const ByteView bytes = sections_[section];
    const std::uint64_t max_units =
        units_.size() + bytes.size() / min_average_unit + unit_allowance;
    std::size_t offset = 0;
    while (offset < bytes.size()) {
        if (units_.size() >= max_units) {
            ++bad_units_;
            return;
        }
        DwarfUnit unit;
        unit.file = this;
        unit.offset = offset;
        unit.sizes.endian = sections_.endian;
        DieCursor cursor(bytes, offset);
        std::uint64_t length = cursor.read<std::uint32_t>(sections_.endian);
        if (length == 0xffff'ffff) {
            length = cursor.read<std::uint64_t>(sections_.endian);
            unit.sizes.offset_size = 8;
        }
        const std::size_t start = cursor.ok() ? cursor.position() : bytes.size();
        if (!cursor.ok() || length > bytes.size() - start) {
            ++bad_units_;  // where the next unit starts is unknown
            return;
        }
        unit.bytes = bytes.subspan(offset, start - offset + static_cast<std::size_t>(length));
        offset += unit.bytes.size();
        const bool usable = unit.bytes.size() <= max_unit_size && read_header(unit, section) &&
                            read_first_die(unit);
        if (usable) {
            units_.push_back(unit);
        } else if (length != 0) {
            ++bad_units_;
        }
    }
}

bool DwarfFile::read_header(DwarfUnit& unit, DwarfSection section) const {
    const Endian endian = sections_.endian;
    const std::size_t offset_size = unit.sizes.offset_size;
    DieCursor cursor(unit.bytes, offset_size == 8 ? 12 : 4);
    unit.sizes.version = cursor.read<std::uint16_t>(endian);
    if (unit.sizes.version < 2 || unit.sizes.version > 5) return false;
    if (unit.sizes.version == 5) {
        unit.type = cursor.read<std::uint8_t>(endian);
        unit.sizes.address_size = cursor.read<std::uint8_t>(endian);
        unit.abbrev_offset = cursor.read_sized(offset_size, endian);
    } else {
        unit.type = section == DwarfSection::types ? DW_UT_type : DW_UT_compile;
        unit.abbrev_offset = cursor.read_sized(offset_size, endian);
        unit.sizes.address_size = cursor.read<std::uint8_t>(endian);
    }
    if (unit.sizes.address_size != 4 && unit.sizes.address_size != 8) return false;
    switch (unit.type) {
        case DW_UT_type:
        case DW_UT_split_type: {
            unit.id = cursor.read<std::uint64_t>(endian);
            const std::uint64_t type_die = cursor.read_sized(offset_size, endian);
            unit.type_die = type_die < unit.bytes.size() ? static_cast<std::uint32_t>(type_die) : 0;
            break;
        }
        case DW_UT_skeleton:
        case DW_UT_split_compile:
            unit.id = cursor.read<std::uint64_t>(endian);
            break;
        case DW_UT_compile:
        case DW_UT_partial:
            break;
        default:
            return false;
    }
    if (!cursor.ok()) return false;
    unit.first_die = static_cast<std::uint32_t>(cursor.position());
    return true;
}

bool DwarfFile::read_first_die(DwarfUnit& unit) {
    DieCursor cursor(unit.bytes, unit.first_die);
    const std::uint64_t code = cursor.uleb();
    if (!cursor.ok() || code == 0) return false;
    const auto abbrev =
        find_abbrev(sections_[DwarfSection::abbrev], unit.abbrev_offset, code, first_die_budget_);
    if (!abbrev) return false;
    unit.tag = abbrev->tag;
    unit.has_children = abbrev->has_children;
    unit.str_offsets_base = default_table_base(unit, 4);
    unit.rnglists_base = default_table_base(unit, 8);
    FormValue name, comp_dir, dwo_name;
    for (const AttributeSpec& spec : abbrev->specs) {
        const FormValue value = read_form(cursor, spec.form, unit.sizes, spec.implicit_const);
        if (!cursor.ok()) return false;
        switch (spec.name) {
            case DW_AT_low_pc:
                unit.pcs.low_pc = value;
                break;
            case DW_AT_high_pc:
                unit.pcs.high_pc = value;
                unit.has_ranges_attribute = true;
                break;
            case DW_AT_ranges:
                unit.pcs.ranges = value;
                unit.has_ranges_attribute = true;
                break;
            case DW_AT_name:
                name = value;
                break;
            case DW_AT_comp_dir:
                comp_dir = value;
                break;
            case DW_AT_language:
                unit.language = static_cast<std::uint16_t>(value.value);
                break;
            case DW_AT_stmt_list:
                unit.line_offset = value.value;
                break;
            case DW_AT_str_offsets_base:
                unit.str_offsets_base = value.value;
                break;
            case DW_AT_addr_base:
            case DW_AT_GNU_addr_base:
                unit.addr_base = value.value;
                break;
            case DW_AT_rnglists_base:
                unit.rnglists_base = value.value;
                break;
            case DW_AT_GNU_ranges_base:
                unit.ranges_base = value.value;
                break;
            case DW_AT_GNU_dwo_id:
                unit.id = value.value;
                break;
            case DW_AT_dwo_name:
            case DW_AT_GNU_dwo_name:
                dwo_name = value;
                break;
            default:
                break;
        }
    }
    // Only now are the bases known that these may need.
    unit.low_pc = attribute_address(unit, unit.pcs.low_pc).value_or(0);
    unit.name = attribute_string(unit, name);
    unit.comp_dir = attribute_string(unit, comp_dir);
    unit.dwo_name = attribute_string(unit, dwo_name);
    return true;
}

const AbbrevTable* DwarfFile::abbrevs(const DwarfUnit& unit) const {
    auto& known = abbrevs_of_unit_[static_cast<std::size_t>(&unit - units_.data())];
    const AbbrevTable* table = known.load(std::memory_order_acquire);
    if (table == nullptr) {
        table = find_abbrevs(unit);
        known.store(table, std::memory_order_release);
    }
    return table;
}

const AbbrevTable* DwarfFile::find_abbrevs(const DwarfUnit& unit) const {
    const FormSizes& sizes = unit.sizes;
    const std::uint64_t key = unit.abbrev_offset << 3 | (sizes.address_size == 8 ? 4U : 0U) |
                              (sizes.offset_size == 8 ? 2U : 0U) | (sizes.version <= 2 ? 1U : 0U);
    const std::scoped_lock lock(abbrev_mutex_);
    const auto found = abbrev_tables_.find(key);
    if (found != abbrev_tables_.end()) return found->second.get();
    if (abbrev_budget_ == 0) return nullptr;
    auto table =
        std::make_unique<AbbrevTable>(sections_[DwarfSection::abbrev], unit.abbrev_offset, sizes);
    abbrev_budget_ -= std::min(abbrev_budget_, table->parsed_bytes());
    return abbrev_tables_.emplace(key, std::move(table)).first->second.get();
}

DieRef DwarfFile::die_at(std::uint64_t info_offset) const {
    const auto end = units_.begin() + static_cast<std::ptrdiff_t>(info_units_);
    auto after = std::upper_bound(
        units_.begin(), end, info_offset,
        [](std::uint64_t value, const DwarfUnit& unit) { return value < unit.offset; });
    if (after == units_.begin()) return {};
    const DwarfUnit& unit = *std::prev(after);
    const std::uint64_t offset = info_offset - unit.offset;
    if (offset < unit.first_die || offset >= unit.bytes.size()) return {};
    return {&unit, static_cast<std::uint32_t>(offset)};
}

DieRef DwarfFile::type_die(std::uint64_t signature) const {
    const auto found = type_units_.find(signature);
    if (found == type_units_.end()) return {};
    const DwarfUnit& unit = units_[found->second];
    return {&unit, unit.type_die};
}

const DwarfUnit* DwarfFile::split_unit(std::uint64_t dwo_id) const {
    for (const DwarfUnit& unit : units_) {
        if (unit.tag == DW_TAG_compile_unit && unit.id == dwo_id) return &unit;
    }
    return nullptr;
}

void DwarfFile::attach_skeleton(std::uint64_t dwo_id, const DwarfUnit& skeleton) {
    for (DwarfUnit& unit : units_) {
        if (unit.tag == DW_TAG_compile_unit && unit.id == dwo_id) unit.skeleton = &skeleton;
    }
}

}  // namespace fgread
