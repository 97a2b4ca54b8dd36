#include "unwind/pointer_encoding.h"

#include "unwind/dwarf_constants.h"

namespace fgread {
namespace {

using namespace dwarf;

template <class Signed>
std::uint64_t read_signed(ByteReader& reader) {
    return static_cast<std::uint64_t>(std::int64_t{reader.read<Signed>()});
}

std::optional<std::uint64_t> read_format(ByteReader& reader, std::uint8_t format,
                                         std::uint8_t address_size) {
    switch (format) {
        case pe_absptr:
            return address_size == 4 ? reader.u32() : reader.u64();
        case pe_uleb128:
            return reader.uleb128();
        case pe_udata2:
            return reader.u16();
        case pe_udata4:
            return reader.u32();
        case pe_udata8:
            return reader.u64();
        case pe_sleb128:
            return static_cast<std::uint64_t>(reader.sleb128());
        case pe_sdata2:
            return read_signed<std::int16_t>(reader);
        case pe_sdata4:
            return read_signed<std::int32_t>(reader);
        case pe_sdata8:
            return read_signed<std::int64_t>(reader);
        default:
            return std::nullopt;
    }
}

// DW_EH_PE_aligned: an absolute pointer at the next address that is a multiple of its size.
void align_to_address(ByteReader& reader, const PointerBases& bases) {
    const std::uint64_t here = bases.section + reader.position();
    const std::uint64_t mask = bases.address_size - 1u;
    reader.skip((0 - here) & mask);
}

}  // namespace

std::optional<std::uint64_t> read_encoded(ByteReader& reader, std::uint8_t encoding,
                                          const PointerBases& bases) {
    // What compilers write for x86-64; a scan of a large section reads a hundred thousand of them.
    if (encoding == (pe_pcrel | pe_sdata4) && bases.address_size == 8) {
        const std::uint64_t field = bases.section + reader.position();
        const std::uint64_t value = field + read_signed<std::int32_t>(reader);
        return reader.ok() ? std::optional(value) : std::nullopt;
    }
    if (encoding == pe_omit || (encoding & pe_indirect)) return std::nullopt;
    if (encoding == pe_aligned) {
        align_to_address(reader, bases);
        const auto value = read_format(reader, pe_absptr, bases.address_size);
        return reader.ok() ? value : std::nullopt;
    }
    const std::uint64_t field = bases.section + reader.position();
    const auto raw = read_format(reader, encoding & pe_format_mask, bases.address_size);
    if (!raw || !reader.ok()) return std::nullopt;

    std::uint64_t base = 0;
    switch (encoding & pe_base_mask) {
        case pe_absptr:
            break;
        case pe_pcrel:
            base = field;
            break;
        case pe_textrel:
            base = bases.text;
            break;
        case pe_datarel:
            base = bases.data;
            break;
        default:  // funcrel has no meaning where a function's own start is what is read
            return std::nullopt;
    }
    const std::uint64_t value = base + *raw;
    return bases.address_size == 4 ? value & 0xffffffffu : value;
}

bool skip_encoded(ByteReader& reader, std::uint8_t encoding, const PointerBases& bases) {
    if (encoding == pe_omit) return true;
    if (encoding == pe_aligned) align_to_address(reader, bases);
    const std::uint8_t format = encoding == pe_aligned ? pe_absptr : encoding & pe_format_mask;
    return read_format(reader, format, bases.address_size).has_value() && reader.ok();
}

unsigned encoded_size(std::uint8_t encoding, std::uint8_t address_size) {
    switch (encoding & pe_format_mask) {
        case pe_absptr:
            return address_size;
        case pe_udata2:
        case pe_sdata2:
            return 2;
        case pe_udata4:
        case pe_sdata4:
            return 4;
        case pe_udata8:
        case pe_sdata8:
            return 8;
        default:
            return 0;
    }
}

}  // namespace fgread
