#include "unwind/cfi.h"

#include <string_view>

#include "unwind/dwarf_constants.h"

namespace fgread {
namespace {

bool is_cie_id(const CfiSection& section, std::uint64_t id, bool is_64_bit) {
    if (!section.is_debug_frame) return id == 0;
    return is_64_bit ? id == ~std::uint64_t{0} : id == 0xffffffffu;
}

// The letters after 'z', each with its data. Unknown letters are skipped with the rest of the data.
bool read_augmentation(ByteReader& reader, const CfiSection& section, std::string_view letters,
                       Cie& cie) {
    const PointerBases bases = section.bases_for(cie.address_size);
    for (const char letter : letters) {
        switch (letter) {
            case 'R':
                cie.fde_encoding = reader.u8();
                break;
            case 'L':
                cie.lsda_encoding = reader.u8();
                break;
            case 'P':
                if (!skip_encoded(reader, reader.u8(), bases)) return false;
                break;
            case 'S':
                cie.signal_frame = true;
                break;
            case 'B':  // aarch64: return addresses are signed with key B
            case 'G':  // aarch64: the frame's stack is tagged (MTE)
                break;
            default:
                return cie.has_augmentation_size;
        }
    }
    return true;
}

bool read_alignment_and_return_address(ByteReader& reader, const CfiSection& section, Cie& cie) {
    cie.code_alignment = reader.uleb128();
    cie.data_alignment = reader.sleb128();
    const std::uint64_t column = cie.version == 1 ? reader.u8() : reader.uleb128();
    const std::uint16_t place = section.numbers.place_of(column);
    if (place >= RegisterFile::capacity) return false;
    cie.return_address = static_cast<std::uint8_t>(place);
    return reader.ok();
}

// Version 4 says how wide addresses and segment selectors are; earlier ones leave that to the file.
bool read_sizes(ByteReader& reader, const CfiSection& section, Cie& cie) {
    cie.address_size = section.bases.address_size;
    if (cie.version == 4) {
        cie.address_size = reader.u8();
        cie.segment_size = reader.u8();
    }
    return (cie.address_size == 4 || cie.address_size == 8) && cie.segment_size <= 8;
}

}  // namespace

std::optional<CfiEntry> read_entry(const CfiSection& section, std::uint64_t offset) {
    ByteReader reader(section.bytes, section.endian);
    reader.seek(offset);
    CfiEntry entry;
    entry.offset = offset;
    std::uint64_t length = reader.u32();
    const bool is_64_bit = length == 0xffffffffu;
    if (is_64_bit) length = reader.u64();
    if (!reader.ok() || length > reader.remaining()) return std::nullopt;

    const std::uint64_t id_field = reader.position();
    entry.end = id_field + length;
    if (length == 0) return entry;

    // The id of .eh_frame stays 4 bytes wide after a 64-bit length (LSB 10.6.1.1); DWARF's does
    // not.
    const bool wide_id = is_64_bit && section.is_debug_frame;
    if (length < (wide_id ? 8u : 4u)) return std::nullopt;
    const std::uint64_t id = wide_id ? reader.u64() : reader.u32();
    entry.body = reader.position();
    if (is_cie_id(section, id, wide_id)) {
        entry.kind = CfiEntry::Kind::cie;
        return entry;
    }
    entry.kind = CfiEntry::Kind::fde;
    // .eh_frame counts back from the field, .debug_frame from the section's start. A pointer
    // before the section wraps to an offset far behind its end, where no CIE is found.
    entry.cie_offset = section.is_debug_frame ? id : id_field - id;
    return entry;
}

std::optional<Cie> read_cie(const CfiSection& section, std::uint64_t offset) {
    const auto entry = read_entry(section, offset);
    if (!entry || entry->kind != CfiEntry::Kind::cie) return std::nullopt;

    ByteReader reader(section.bytes.first(entry->end), section.endian);
    reader.seek(entry->body);
    Cie cie;
    cie.offset = offset;
    cie.version = reader.u8();
    if (cie.version != 1 && cie.version != 3 && cie.version != 4) return std::nullopt;
    std::string_view augmentation = reader.c_string();
    if (!read_sizes(reader, section, cie)) return std::nullopt;
    if (augmentation.substr(0, 2) == "eh") {  // gcc 2: a pointer to an exception table
        reader.skip(cie.address_size);
        augmentation.remove_prefix(2);
    }
    if (!read_alignment_and_return_address(reader, section, cie)) return std::nullopt;

    std::uint64_t instructions = reader.position();
    if (augmentation.substr(0, 1) == "z") {
        cie.has_augmentation_size = true;
        augmentation.remove_prefix(1);
        const std::uint64_t size = reader.uleb128();
        if (!reader.ok() || size > reader.remaining()) return std::nullopt;
        instructions = reader.position() + size;
    }
    if (!read_augmentation(reader, section, augmentation, cie) || !reader.ok()) return std::nullopt;
    if (!cie.has_augmentation_size) instructions = reader.position();
    cie.instructions = section.bytes.subspan(instructions, entry->end - instructions);
    return cie;
}

std::optional<Fde> read_fde(const CfiSection& section, const CfiEntry& entry, const Cie& cie) {
    if (entry.kind != CfiEntry::Kind::fde) return std::nullopt;
    ByteReader reader(section.bytes.first(entry.end), section.endian);
    reader.seek(entry.body);
    reader.skip(cie.segment_size);

    const PointerBases bases = section.bases_for(cie.address_size);
    const auto start = read_encoded(reader, cie.fde_encoding, bases);
    // The size has the format of the start, but is relative to nothing.
    const auto size = read_encoded(reader, cie.fde_encoding & dwarf::pe_format_mask, bases);
    if (!start || !size || *size == 0 || *start + *size < *start) return std::nullopt;

    if (cie.has_augmentation_size) {
        reader.skip(reader.uleb128());
    } else if (!skip_encoded(reader, cie.lsda_encoding, bases)) {
        return std::nullopt;
    }
    if (!reader.ok()) return std::nullopt;
    return Fde{entry.offset, cie.offset, *start, *start + *size,
               section.bytes.subspan(reader.position(), entry.end - reader.position())};
}

}  // namespace fgread
