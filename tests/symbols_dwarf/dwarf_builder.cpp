#include "dwarf_builder.h"

#include <dwarf.h>

namespace fgread::test {

void Sink::number(std::uint64_t value, std::size_t size) {
    const std::size_t at = bytes_.size();
    bytes_.resize(at + size);
    patch(at, value, size);
}

void Sink::patch(std::size_t at, std::uint64_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) {
        const std::size_t place = endian_ == Endian::little ? i : size - 1 - i;
        bytes_[at + place] = static_cast<std::byte>(value >> (8 * i));
    }
}

void Sink::uleb(std::uint64_t value) {
    while (value >= 0x80) {
        u8((value & 0x7f) | 0x80);
        value >>= 7;
    }
    u8(value);
}

void Sink::sleb(std::int64_t value) {
    while (value < -64 || value > 63) {
        u8((static_cast<std::uint64_t>(value) & 0x7f) | 0x80);
        value >>= 7;
    }
    u8(static_cast<std::uint64_t>(value) & 0x7f);
}

void Sink::text(std::string_view value) {
    for (const char c : value) u8(static_cast<unsigned char>(c));
    u8(0);
}

DwarfBuilder::DwarfBuilder(Endian endian)
    : info(endian),
      types(endian),
      abbrev(endian),
      str(endian),
      line(endian),
      line_str(endian),
      str_offsets(endian),
      addr(endian),
      ranges(endian),
      rnglists(endian),
      cu_index(endian),
      endian_(endian) {}

std::size_t DwarfBuilder::begin_unit(const UnitOptions& options) {
    unit_ = options;
    Sink& to = out();
    unit_start_ = to.size();
    if (unit_.wide) to.u32(0xffff'ffff);
    length_size_ = unit_.wide ? 8 : 4;
    to.number(0, length_size_);
    to.u16(unit_.version);
    if (unit_.version >= 5) {
        to.u8(unit_.type);
        to.u8(unit_.address_size);
        to.number(0, length_size_);  // all units share one table of abbreviations
    } else {
        to.number(0, length_size_);
        to.u8(unit_.address_size);
    }
    const bool is_type = unit_.types_section || unit_.type == DW_UT_type;
    const bool has_id =
        is_type || unit_.type == DW_UT_skeleton || unit_.type == DW_UT_split_compile;
    if (has_id) to.u64(unit_.id);
    if (is_type) to.number(unit_.type_die, length_size_);
    return unit_start_;
}

void DwarfBuilder::end_unit() {
    Sink& to = out();
    const std::size_t start = unit_start_ + (unit_.wide ? 4 : 0);
    to.patch(start, to.size() - start - length_size_, length_size_);
}

std::uint32_t DwarfBuilder::next() const {
    const Sink& to = unit_.types_section ? types : info;
    return static_cast<std::uint32_t>(to.size() - unit_start_);
}

std::uint32_t DwarfBuilder::die(std::uint16_t tag, const std::vector<Attr>& attributes,
                                bool children) {
    const std::uint32_t offset = next();
    std::vector<std::uint64_t> key{tag, children ? 1U : 0U};
    for (const Attr& attribute : attributes) {
        key.push_back(attribute.name);
        key.push_back(attribute.form);
        if (attribute.form == DW_FORM_implicit_const) key.push_back(attribute.value);
    }
    const auto [found, added] = codes_.try_emplace(key, codes_.size() + 1);
    if (added) {
        abbrev.uleb(found->second);
        abbrev.uleb(tag);
        abbrev.u8(children ? 1 : 0);
        for (const Attr& attribute : attributes) {
            abbrev.uleb(attribute.name);
            abbrev.uleb(attribute.form);
            if (attribute.form == DW_FORM_implicit_const) {
                abbrev.sleb(static_cast<std::int64_t>(attribute.value));
            }
        }
        abbrev.uleb(0);
        abbrev.uleb(0);
    }
    out().uleb(found->second);
    for (const Attr& attribute : attributes) put_value(attribute);
    return offset;
}

void DwarfBuilder::put_value(const Attr& attribute) {
    Sink& to = out();
    switch (attribute.form) {
        case DW_FORM_addr:
            to.number(attribute.value, unit_.address_size);
            break;
        case DW_FORM_data1:
        case DW_FORM_flag:
        case DW_FORM_ref1:
        case DW_FORM_strx1:
        case DW_FORM_addrx1:
            to.u8(attribute.value);
            break;
        case DW_FORM_data2:
        case DW_FORM_ref2:
            to.u16(attribute.value);
            break;
        case DW_FORM_data4:
        case DW_FORM_ref4:
        case DW_FORM_ref_sup4:
            to.u32(attribute.value);
            break;
        case DW_FORM_data8:
        case DW_FORM_ref8:
        case DW_FORM_ref_sig8:
            to.u64(attribute.value);
            break;
        case DW_FORM_string:
            to.text(attribute.text);
            break;
        case DW_FORM_strp:
        case DW_FORM_line_strp:
        case DW_FORM_sec_offset:
        case DW_FORM_GNU_ref_alt:
        case DW_FORM_GNU_strp_alt:
            to.number(attribute.value, length_size_);
            break;
        case DW_FORM_ref_addr:
            to.number(attribute.value, unit_.version <= 2 ? unit_.address_size : length_size_);
            break;
        case DW_FORM_udata:
        case DW_FORM_addrx:
        case DW_FORM_rnglistx:
        case DW_FORM_GNU_addr_index:
        case DW_FORM_GNU_str_index:
        case DW_FORM_strx:
            to.uleb(attribute.value);
            break;
        case DW_FORM_exprloc:
            to.uleb(attribute.text.size());
            for (const char c : attribute.text) to.u8(static_cast<unsigned char>(c));
            break;
        case DW_FORM_flag_present:
        case DW_FORM_implicit_const:
            break;
        default:
            to.u8(attribute.value);
            break;  // forms that do not exist
    }
}

std::uint32_t DwarfBuilder::compile_unit(std::uint64_t low, std::uint64_t size,
                                         std::uint64_t language) {
    return die(DW_TAG_compile_unit,
               {{DW_AT_language, DW_FORM_data1, language, {}},
                {DW_AT_low_pc, DW_FORM_addr, low, {}},
                {DW_AT_high_pc, DW_FORM_data8, size, {}}},
               true);
}

std::uint32_t DwarfBuilder::subprogram(std::string_view name, std::uint64_t low,
                                       std::uint64_t size) {
    return die(DW_TAG_subprogram,
               {{DW_AT_name, DW_FORM_string, 0, std::string(name)},
                {DW_AT_low_pc, DW_FORM_addr, low, {}},
                {DW_AT_high_pc, DW_FORM_data8, size, {}}},
               true);
}

std::uint32_t DwarfBuilder::abstract(std::string_view name) {
    return die(DW_TAG_subprogram, {{DW_AT_name, DW_FORM_string, 0, std::string(name)},
                                   {DW_AT_inline, DW_FORM_data1, DW_INL_inlined, {}}});
}

std::uint32_t DwarfBuilder::inlined(std::uint32_t origin, std::uint64_t low, std::uint64_t size) {
    return die(DW_TAG_inlined_subroutine,
               {{DW_AT_abstract_origin, DW_FORM_ref4, origin, {}},
                {DW_AT_low_pc, DW_FORM_addr, low, {}},
                {DW_AT_high_pc, DW_FORM_data8, size, {}}},
               true);
}

DwarfSections DwarfBuilder::sections() const {
    DwarfSections result;
    result.endian = endian_;
    const auto set = [&](DwarfSection section, const Sink& from) {
        result.bytes[static_cast<std::size_t>(section)] = from.bytes();
    };
    set(DwarfSection::info, info);
    set(DwarfSection::types, types);
    set(DwarfSection::abbrev, abbrev);
    set(DwarfSection::str, str);
    set(DwarfSection::line, line);
    set(DwarfSection::line_str, line_str);
    set(DwarfSection::str_offsets, str_offsets);
    set(DwarfSection::addr, addr);
    set(DwarfSection::ranges, ranges);
    set(DwarfSection::rnglists, rnglists);
    set(DwarfSection::cu_index, cu_index);
    return result;
}

}  // namespace fgread::test
