#include "support/cfi_builder.h"

#include <algorithm>

namespace fgread::test {

CfiBytes& CfiBytes::integer(std::uint64_t value, unsigned size) {
    for (unsigned i = 0; i < size; ++i) {
        const unsigned place = endian_ == Endian::little ? i : size - 1 - i;
        bytes_.push_back(static_cast<std::byte>(value >> (8 * place)));
    }
    return *this;
}

CfiBytes& CfiBytes::uleb(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) u8(static_cast<unsigned>(value & 0x7f) | 0x80);
    return u8(static_cast<unsigned>(value));
}

CfiBytes& CfiBytes::sleb(std::int64_t value) {
    for (; value < -64 || value > 63; value >>= 7) u8(static_cast<unsigned>(value & 0x7f) | 0x80);
    return u8(static_cast<unsigned>(value & 0x7f));
}

CfiBytes& CfiBytes::text(const std::string& value) {
    for (const char c : value) u8(static_cast<unsigned char>(c));
    return u8(0);
}

CfiBytes& CfiBytes::add(const CfiBytes& other) {
    bytes_.insert(bytes_.end(), other.bytes_.begin(), other.bytes_.end());
    return *this;
}

CfiBytes& CfiBytes::block(const CfiBytes& content) { return uleb(content.size()).add(content); }

void CfiBytes::patch(std::size_t offset, std::uint64_t value, unsigned size) {
    CfiBytes replacement(endian_);
    replacement.integer(value, size);
    std::copy(replacement.bytes_.begin(), replacement.bytes_.end(),
              bytes_.begin() + static_cast<std::ptrdiff_t>(offset));
}

std::size_t CfiBuilder::entry(bool wide, std::uint64_t id, const CfiBytes& body) {
    const std::size_t offset = bytes_.size();
    const unsigned id_size = wide && is_debug_frame_ ? 8 : 4;
    if (wide) {
        bytes_.u32(0xffffffff).u64(id_size + body.size());
    } else {
        bytes_.u32(id_size + body.size());
    }
    bytes_.integer(id, id_size).add(body);
    return offset;
}

std::size_t CfiBuilder::cie(const CieSpec& spec) {
    CfiBytes body(bytes_.endian());
    body.u8(spec.version).text(spec.augmentation);
    if (spec.version == 4) body.u8(spec.address_size).u8(spec.segment_size);
    if (spec.augmentation.substr(0, 2) == "eh") body.u64(0x1234);
    body.uleb(spec.code_alignment).sleb(spec.data_alignment);
    if (spec.version == 1) {
        body.u8(static_cast<unsigned>(spec.return_address));
    } else {
        body.uleb(spec.return_address);
    }
    CfiBytes data = spec.augmentation_data;
    if (data.size() == 0 && spec.augmentation.find('R') != std::string::npos) {
        data.u8(spec.fde_encoding);
    }
    if (spec.augmentation.substr(0, 1) == "z") {
        body.block(data);
    } else {
        body.add(data);
    }
    body.add(spec.instructions);
    const std::uint64_t id = is_debug_frame_ ? ~std::uint64_t{0} : 0;
    const std::size_t offset = entry(spec.wide, id, body);
    cies_.push_back({offset, spec});
    return offset;
}

void CfiBuilder::add_address(CfiBytes& body, std::uint64_t value, std::uint64_t field_address,
                             unsigned encoding, unsigned address_size) const {
    if ((encoding & 0x70) == 0x10) value -= field_address;
    switch (encoding & 0x0f) {
        case 0x01:
            body.uleb(value);
            break;
        case 0x09:
            body.sleb(static_cast<std::int64_t>(value));
            break;
        case 0x02:
        case 0x0a:
            body.integer(value, 2);
            break;
        case 0x03:
        case 0x0b:
            body.integer(value, 4);
            break;
        case 0x04:
        case 0x0c:
            body.integer(value, 8);
            break;
        default:
            body.integer(value, address_size);
            break;
    }
}

std::size_t CfiBuilder::fde(std::size_t cie, std::uint64_t start, std::uint64_t size,
                            const CfiBytes& instructions) {
    const auto known = std::find_if(cies_.begin(), cies_.end(),
                                    [&](const KnownCie& entry) { return entry.offset == cie; });
    const CieSpec spec = known != cies_.end() ? known->spec : CieSpec{};
    const bool has_encoding = spec.augmentation.find('R') != std::string::npos;
    const unsigned encoding = has_encoding ? spec.fde_encoding : 0;
    const unsigned address_size = spec.version == 4 ? spec.address_size : 8;

    const std::uint64_t length_size = spec.wide ? 12 : 4;
    const std::uint64_t id_size = spec.wide && is_debug_frame_ ? 8 : 4;
    const std::uint64_t id_field = bytes_.size() + length_size;
    CfiBytes body(bytes_.endian());
    if (spec.version == 4) body.integer(0, spec.segment_size);
    add_address(body, start, address_ + id_field + id_size + body.size(), encoding, address_size);
    add_address(body, size, 0, encoding & 0x0f, address_size);
    if (spec.augmentation.substr(0, 1) == "z") body.uleb(0);
    body.add(instructions);
    const std::uint64_t id = is_debug_frame_ ? cie : id_field - cie;
    const std::size_t offset = entry(spec.wide, id, body);
    fdes_.push_back({start, offset});
    return offset;
}

std::vector<CfiBuilder::TableEntry> CfiBuilder::table() const {
    std::vector<TableEntry> sorted = fdes_;
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const TableEntry& a, const TableEntry& b) { return a.start < b.start; });
    return sorted;
}

CfiBytes CfiBuilder::header(std::uint64_t header_address,
                            const std::vector<TableEntry>& table) const {
    CfiBytes header(bytes_.endian());
    header.u8(1).u8(0x1b).u8(0x03).u8(0x3b);
    header.u32(address_ - (header_address + 4)).u32(table.size());
    for (const TableEntry& entry : table) {
        header.u32(entry.start - header_address);
        header.u32(address_ + entry.fde_offset - header_address);
    }
    return header;
}

UnwindSections CfiBuilder::sections() const {
    UnwindSections sections;
    sections.endian = bytes_.endian();
    if (is_debug_frame_) {
        sections.debug_frame = bytes_.view();
    } else {
        sections.eh_frame = bytes_.view();
        sections.eh_frame_address = {address_};
    }
    return sections;
}

}  // namespace fgread::test
