#include "symbols/dwarf_ranges.h"

#include <dwarf.h>

namespace fgread {

namespace {

// Where range lists start from and go to.
class RangeReader {
public:
    RangeReader(const DwarfUnit& unit, RangeBudget& budget, std::vector<SvmaRange>& out)
        : unit_(unit),
          place_(unit.skeleton == nullptr ? unit : *unit.skeleton),
          budget_(budget),
          out_(out),
          base_(place_.low_pc) {}

    void add(std::uint64_t low, std::uint64_t high);
    bool read_list(const FormValue& ranges);

private:
    [[nodiscard]] std::uint64_t max_address() const {
        return unit_.sizes.address_size == 8 ? UINT64_MAX : UINT32_MAX;
    }
    bool read_ranges(std::uint64_t offset);
    bool read_rnglist(std::uint64_t offset);
    bool read_rnglist_entry(DieCursor& cursor, std::uint8_t kind);
    bool indexed_address(DieCursor& cursor, std::uint64_t& address) const;

    const DwarfUnit& unit_;
    const DwarfUnit& place_;
    RangeBudget& budget_;
    std::vector<SvmaRange>& out_;
    std::uint64_t base_;
};

void RangeReader::add(std::uint64_t low, std::uint64_t high) {
    if (low >= high || low >= max_address() - 1) return;
    const DwarfFile& file = *place_.file;
    if (!file.sections().is_code(low)) return;
    out_.push_back({low, high});
}

bool RangeReader::read_list(const FormValue& ranges) {
    if (unit_.sizes.version < 5) {
        // Up to DWARF 3 an offset is plain data4 or data8. In GNU split DWARF the list lies in the
        // main file, and offsets count from the skeleton's base.
        const std::uint64_t base = unit_.skeleton == nullptr ? 0 : place_.ranges_base;
        return read_ranges(base + ranges.value);
    }
    if (ranges.form_class != FormClass::range_list_index) return read_rnglist(ranges.value);
    const ByteView lists = unit_.file->sections()[DwarfSection::rnglists];
    if (unit_.rnglists_base > lists.size() || ranges.value > lists.size()) return false;
    DieCursor cursor(lists, static_cast<std::size_t>(unit_.rnglists_base));
    cursor.skip(ranges.value * unit_.sizes.offset_size);
    const std::uint64_t offset = cursor.read_sized(unit_.sizes.offset_size, unit_.sizes.endian);
    return cursor.ok() && read_rnglist(unit_.rnglists_base + offset);
}

// DWARF 4, 2.17.3: pairs relative to the base; (max, x) sets the base, (0, 0) ends.
bool RangeReader::read_ranges(std::uint64_t offset) {
    const ByteView lists = place_.file->sections()[DwarfSection::ranges];
    if (offset > lists.size()) return false;
    DieCursor cursor(lists, static_cast<std::size_t>(offset));
    const std::size_t size = unit_.sizes.address_size;
    while (budget_.entries > 0) {
        --budget_.entries;
        const std::uint64_t low = cursor.read_sized(size, unit_.sizes.endian);
        const std::uint64_t high = cursor.read_sized(size, unit_.sizes.endian);
        if (!cursor.ok()) return false;
        if (low == 0 && high == 0) return true;
        if (low == max_address()) {
            base_ = high;
        } else {
            add(base_ + low, base_ + high);
        }
    }
    return false;
}

// DWARF 5, 7.25.
bool RangeReader::read_rnglist(std::uint64_t offset) {
    const ByteView lists = unit_.file->sections()[DwarfSection::rnglists];
    if (offset > lists.size()) return false;
    DieCursor cursor(lists, static_cast<std::size_t>(offset));
    while (budget_.entries > 0) {
        --budget_.entries;
        const auto kind = cursor.read<std::uint8_t>(unit_.sizes.endian);
        if (!cursor.ok()) return false;
        if (kind == DW_RLE_end_of_list) return true;
        if (!read_rnglist_entry(cursor, kind) || !cursor.ok()) return false;
    }
    return false;
}

bool RangeReader::read_rnglist_entry(DieCursor& cursor, std::uint8_t kind) {
    const std::size_t size = unit_.sizes.address_size;
    const Endian endian = unit_.sizes.endian;
    std::uint64_t low = 0, high = 0;
    switch (kind) {
        case DW_RLE_base_addressx:
            return indexed_address(cursor, base_);
        case DW_RLE_startx_endx:
            if (!indexed_address(cursor, low) || !indexed_address(cursor, high)) return false;
            break;
        case DW_RLE_startx_length:
            if (!indexed_address(cursor, low)) return false;
            high = low + cursor.uleb();
            break;
        case DW_RLE_offset_pair:
            low = base_ + cursor.uleb();
            high = base_ + cursor.uleb();
            break;
        case DW_RLE_base_address:
            base_ = cursor.read_sized(size, endian);
            return true;
        case DW_RLE_start_end:
            low = cursor.read_sized(size, endian);
            high = cursor.read_sized(size, endian);
            break;
        case DW_RLE_start_length:
            low = cursor.read_sized(size, endian);
            high = low + cursor.uleb();
            break;
        default:
            return false;
    }
    if (cursor.ok()) add(low, high);
    return true;
}

bool RangeReader::indexed_address(DieCursor& cursor, std::uint64_t& address) const {
    const FormValue index{FormClass::address_index, cursor.uleb(), {}};
    const auto value = attribute_address(unit_, index);
    if (!cursor.ok() || !value) return false;
    address = *value;
    return true;
}

}  // namespace

bool append_ranges(const DwarfUnit& unit, const PcAttributes& attributes, RangeBudget& budget,
                   std::vector<SvmaRange>& out) {
    RangeReader reader(unit, budget, out);
    if (attributes.ranges) return reader.read_list(attributes.ranges);
    if (!attributes.low_pc || !attributes.high_pc) return true;
    const auto low = attribute_address(unit, attributes.low_pc);
    if (!low) return false;
    // From DWARF 4 on the end may be given as a length.
    const bool is_length = attributes.high_pc.form_class == FormClass::constant;
    const auto high = is_length ? std::optional(*low + attributes.high_pc.value)
                                : attribute_address(unit, attributes.high_pc);
    if (!high) return false;
    reader.add(*low, *high);
    return true;
}

}  // namespace fgread
