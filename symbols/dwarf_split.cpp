#include "symbols/dwarf_split.h"

#include <array>
#include <bit>
#include <utility>

namespace fgread {

namespace {

constexpr std::uint64_t index_header_size = 16;
constexpr std::uint64_t hash_size = 8;
constexpr std::uint64_t word_size = 4;

// The section of a column (DW_SECT_*; DWARF 5, 7.3.5.3), if inline chains need it. Version 2 is
// GNU's, for DWARF 4.
std::optional<DwarfSection> column_section(std::uint64_t id, std::uint64_t version) {
    switch (id) {
        case 1:
            return DwarfSection::info;
        case 2:
            return DwarfSection::types;
        case 3:
            return DwarfSection::abbrev;
        case 6:
            return DwarfSection::str_offsets;
        case 8:
            if (version >= 5) return DwarfSection::rnglists;
            return std::nullopt;
        default:
            return std::nullopt;
    }
}

}  // namespace

DwarfPackage::DwarfPackage(DwarfSections sections) : sections_(std::move(sections)) {
    const ByteView index = sections_[DwarfSection::cu_index];
    ByteReader reader(index, sections_.endian);
    // Version 2 is a word; version 5 a half word and padding, which is the same in little endian.
    version_ = reader.u32() & 0xffff;
    columns_ = reader.u32();
    units_ = reader.u32();
    const std::uint64_t slots = reader.u32();
    const bool known = version_ == 2 || version_ == 5;
    if (!reader.ok() || !known || !std::has_single_bit(slots) || columns_ == 0) return;
    // Hashes, row numbers, one row of section ids, then offsets and sizes. All counts are below
    // 2^32, but the product of two may not be added to without care.
    const std::uint64_t room = index.size() - index_header_size;
    if (slots > room / (hash_size + word_size)) return;
    const std::uint64_t table_room = (room - slots * (hash_size + word_size)) / word_size;
    if (columns_ > table_room || units_ > (table_room - columns_) / columns_ / 2) return;
    slots_ = slots;
}

std::uint64_t DwarfPackage::word(std::uint64_t offset) const {
    const ByteView index = sections_[DwarfSection::cu_index];
    if (offset > index.size() || index.size() - offset < word_size) return 0;
    return load_unchecked<std::uint32_t>(index.data() + offset, sections_.endian);
}

// Row numbers count from 1.
std::optional<std::uint32_t> DwarfPackage::find_row(std::uint64_t dwo_id) const {
    if (slots_ == 0) return std::nullopt;
    const ByteView index = sections_[DwarfSection::cu_index];
    const std::uint64_t mask = slots_ - 1;
    const std::uint64_t step = ((dwo_id >> 32) & mask) | 1;
    std::uint64_t slot = dwo_id & mask;
    for (std::uint64_t probes = 0; probes < slots_; ++probes) {
        const std::uint64_t row = word(index_header_size + slots_ * hash_size + slot * word_size);
        if (row == 0) return std::nullopt;
        const auto hash = load_unchecked<std::uint64_t>(
            index.data() + index_header_size + slot * hash_size, sections_.endian);
        if (hash == dwo_id && row <= units_) return static_cast<std::uint32_t>(row);
        slot = (slot + step) & mask;
    }
    return std::nullopt;
}

std::optional<DwarfSections> DwarfPackage::find(std::uint64_t dwo_id) const {
    const auto row = find_row(dwo_id);
    if (!row) return std::nullopt;
    DwarfSections part = sections_;
    const std::uint64_t ids = index_header_size + slots_ * (hash_size + word_size);
    const std::uint64_t offsets = ids + columns_ * word_size;
    const std::uint64_t sizes = offsets + units_ * columns_ * word_size;
    for (std::uint64_t column = 0; column < columns_; ++column) {
        const auto section = column_section(word(ids + column * word_size), version_);
        if (!section) continue;
        const std::uint64_t cell = ((*row - 1) * columns_ + column) * word_size;
        const auto view =
            checked_subview(sections_[*section], word(offsets + cell), word(sizes + cell));
        if (!view) return std::nullopt;
        part.bytes[static_cast<std::size_t>(*section)] = *view;
    }
    return part;
}

std::string split_file_path(const DwarfUnit& skeleton) {
    if (skeleton.dwo_name.starts_with('/') || skeleton.comp_dir.empty()) {
        return std::string(skeleton.dwo_name);
    }
    return std::string(skeleton.comp_dir) + '/' + std::string(skeleton.dwo_name);
}

}  // namespace fgread
