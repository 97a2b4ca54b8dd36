#include "symbols/dwarf_forms.h"

#include <cstring>

#include <dwarf.h>

namespace fgread {

std::int64_t DieCursor::sleb() {
    std::uint64_t value = 0;
    unsigned shift = 0;
    while (at_ != nullptr && at_ != end_ && shift < 70) {
        const auto byte = static_cast<std::uint8_t>(*at_++);
        if (shift < 64) value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
        shift += 7;
        if (byte >= 0x80) continue;
        if ((byte & 0x40) != 0 && shift < 64) value |= ~std::uint64_t{0} << shift;
        return static_cast<std::int64_t>(value);
    }
    fail();
    return 0;
}

std::uint64_t DieCursor::long_uleb() {
    std::uint64_t value = 0;
    unsigned shift = 0;
    while (at_ != end_ && shift < 70) {
        const auto byte = static_cast<std::uint8_t>(*at_++);
        if (shift < 64) value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
        if (byte < 0x80) return value;
        shift += 7;
    }
    fail();
    return 0;
}

std::uint64_t DieCursor::read_sized(std::size_t size, Endian endian) {
    switch (size) {
        case 1:
            return read<std::uint8_t>(endian);
        case 2:
            return read<std::uint16_t>(endian);
        case 4:
            return read<std::uint32_t>(endian);
        case 8:
            return read<std::uint64_t>(endian);
        case 3: {
            const ByteView raw = bytes(3);
            if (raw.size() != 3) return 0;
            const bool little = endian == Endian::little;
            const auto low = static_cast<std::uint32_t>(raw[little ? 0 : 2]);
            const auto high = static_cast<std::uint32_t>(raw[little ? 2 : 0]);
            return low | static_cast<std::uint32_t>(raw[1]) << 8 | high << 16;
        }
        default:
            fail();
            return 0;
    }
}

ByteView DieCursor::bytes(std::uint64_t size) {
    const std::byte* from = at_;
    skip(size);
    return at_ == nullptr ? ByteView{} : ByteView{from, static_cast<std::size_t>(size)};
}

ByteView DieCursor::c_string() {
    if (at_end()) {
        fail();
        return {};
    }
    const void* nul = std::memchr(at_, 0, static_cast<std::size_t>(end_ - at_));
    if (nul == nullptr) {
        fail();
        return {};
    }
    const std::byte* from = at_;
    const auto* stop = static_cast<const std::byte*>(nul);
    at_ = stop + 1;
    return {from, static_cast<std::size_t>(stop - from)};
}

FormLayout form_layout(std::uint64_t form, const FormSizes& sizes) {
    using C = FormClass;
    using Layout = FormLayout::Kind;
    const std::uint8_t address = sizes.address_size;
    const std::uint8_t offset = sizes.offset_size;
    switch (form) {
        case DW_FORM_addr:
            return {Layout::fixed, address, C::address};
        case DW_FORM_addrx:
        case DW_FORM_GNU_addr_index:
            return {Layout::uleb, 0, C::address_index};
        case DW_FORM_addrx1:
            return {Layout::fixed, 1, C::address_index};
        case DW_FORM_addrx2:
            return {Layout::fixed, 2, C::address_index};
        case DW_FORM_addrx3:
            return {Layout::fixed, 3, C::address_index};
        case DW_FORM_addrx4:
            return {Layout::fixed, 4, C::address_index};
        case DW_FORM_data1:
            return {Layout::fixed, 1, C::constant};
        case DW_FORM_data2:
            return {Layout::fixed, 2, C::constant};
        case DW_FORM_data4:
            return {Layout::fixed, 4, C::constant};
        case DW_FORM_data8:
            return {Layout::fixed, 8, C::constant};
        case DW_FORM_data16:
            return {Layout::raw, 16, C::block};
        case DW_FORM_udata:
            return {Layout::uleb, 0, C::constant};
        case DW_FORM_sdata:
            return {Layout::sleb, 0, C::constant};
        case DW_FORM_implicit_const:
            return {Layout::implicit, 0, C::constant};
        case DW_FORM_flag:
            return {Layout::fixed, 1, C::flag};
        case DW_FORM_flag_present:
            return {Layout::none, 0, C::flag};
        case DW_FORM_sec_offset:
            return {Layout::fixed, offset, C::section_offset};
        case DW_FORM_rnglistx:
            return {Layout::uleb, 0, C::range_list_index};
        case DW_FORM_loclistx:
            return {Layout::uleb, 0, C::constant};
        case DW_FORM_string:
            return {Layout::c_string, 0, C::string_inline};
        case DW_FORM_strp:
            return {Layout::fixed, offset, C::string_offset};
        case DW_FORM_line_strp:
            return {Layout::fixed, offset, C::line_string_offset};
        case DW_FORM_strx:
        case DW_FORM_GNU_str_index:
            return {Layout::uleb, 0, C::string_index};
        case DW_FORM_strx1:
            return {Layout::fixed, 1, C::string_index};
        case DW_FORM_strx2:
            return {Layout::fixed, 2, C::string_index};
        case DW_FORM_strx3:
            return {Layout::fixed, 3, C::string_index};
        case DW_FORM_strx4:
            return {Layout::fixed, 4, C::string_index};
        case DW_FORM_strp_sup:
        case DW_FORM_GNU_strp_alt:
            return {Layout::fixed, offset, C::string_supplementary};
        case DW_FORM_ref1:
            return {Layout::fixed, 1, C::reference_unit};
        case DW_FORM_ref2:
            return {Layout::fixed, 2, C::reference_unit};
        case DW_FORM_ref4:
            return {Layout::fixed, 4, C::reference_unit};
        case DW_FORM_ref8:
            return {Layout::fixed, 8, C::reference_unit};
        case DW_FORM_ref_udata:
            return {Layout::uleb, 0, C::reference_unit};
        case DW_FORM_ref_addr:
            // DWARF 2 gave it the size of an address.
            return {Layout::fixed, sizes.version <= 2 ? address : offset, C::reference_info};
        case DW_FORM_ref_sup4:
            return {Layout::fixed, 4, C::reference_supplementary};
        case DW_FORM_ref_sup8:
            return {Layout::fixed, 8, C::reference_supplementary};
        case DW_FORM_GNU_ref_alt:
            return {Layout::fixed, offset, C::reference_supplementary};
        case DW_FORM_ref_sig8:
            return {Layout::fixed, 8, C::reference_signature};
        case DW_FORM_block1:
            return {Layout::block, 1, C::block};
        case DW_FORM_block2:
            return {Layout::block, 2, C::block};
        case DW_FORM_block4:
            return {Layout::block, 4, C::block};
        case DW_FORM_block:
        case DW_FORM_exprloc:
            return {Layout::block, 0, C::block};
        case DW_FORM_indirect:
            return {Layout::indirect, 0, C::none};
        default:
            return {};
    }
}

int FormLayout::fixed_size() const {
    switch (kind) {
        case Kind::none:
        case Kind::implicit:
            return 0;
        case Kind::fixed:
        case Kind::raw:
            return size;
        default:
            return -1;
    }
}

FormValue read_form(DieCursor& cursor, FormLayout layout, const FormSizes& sizes,
                    std::int64_t implicit_const) {
    using Kind = FormLayout::Kind;
    if (layout.kind == Kind::indirect) {
        // One level only: an indirect form that names itself again has no meaning.
        layout = form_layout(cursor.uleb(), sizes);
        if (layout.kind == Kind::implicit) layout = {};
    }
    FormValue result{layout.form_class, 0, {}};
    switch (layout.kind) {
        case Kind::none:
            result.value = 1;
            break;
        case Kind::implicit:
            result.value = static_cast<std::uint64_t>(implicit_const);
            break;
        case Kind::fixed:
            result.value = cursor.read_sized(layout.size, sizes.endian);
            break;
        case Kind::raw:
            result.bytes = cursor.bytes(layout.size);
            break;
        case Kind::uleb:
            result.value = cursor.uleb();
            break;
        case Kind::sleb:
            result.value = static_cast<std::uint64_t>(cursor.sleb());
            break;
        case Kind::c_string:
            result.bytes = cursor.c_string();
            break;
        case Kind::block: {
            const std::uint64_t size =
                layout.size == 0 ? cursor.uleb() : cursor.read_sized(layout.size, sizes.endian);
            result.bytes = cursor.bytes(size);
            break;
        }
        case Kind::indirect:
        case Kind::unknown:
            cursor.fail();
            break;
    }
    if (!cursor.ok()) return {};
    return result;
}

}  // namespace fgread
