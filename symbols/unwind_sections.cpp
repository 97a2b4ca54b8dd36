#include "symbols/unwind_sections.h"

#include <elf.h>

#include <algorithm>

#include "unwind/architecture.h"

namespace fgread {
namespace {

// .eh_frame_hdr of the largest binaries (1.5 million FDEs of 8 bytes) has 12 MB.
constexpr std::uint64_t max_eh_frame_hdr = 256 << 20;
// Only for files without section headers, where its end is not known.
constexpr std::uint64_t max_eh_frame = 1 << 30;

// Of binutils' include/elf/common.h; glibc's elf.h does not have it yet.
constexpr std::uint32_t pt_gnu_sframe = 0x6474e554;

// DW_EH_PE_*: Linux Standard Base, "DWARF Extensions", 10.5.
constexpr std::uint8_t encoding_omit = 0xff, format_mask = 0x0f, application_mask = 0xf0;
enum Format : std::uint8_t {
    absptr = 0,
    udata2 = 2,
    udata4 = 3,
    udata8 = 4,
    sdata2 = 10,
    sdata4 = 11,
    sdata8 = 12
};
enum Application : std::uint8_t { absolute = 0x00, pcrel = 0x10, datarel = 0x30 };

struct Located {
    OwnedBytes bytes;
    Svma address;
};

Located by_name(const ElfImage& image, std::string_view name) {
    const Section* section = image.find_section(name);
    if (section == nullptr) return {};
    return {image.contents(*section), section->address};
}

Located find_header(const ElfImage& image) {
    for (const Segment& segment : image.segments()) {
        if (segment.type != PT_GNU_EH_FRAME) continue;
        OwnedBytes bytes =
            image.read_range(segment.offset, std::min(segment.file_size, max_eh_frame_hdr));
        if (!bytes.empty()) return {std::move(bytes), segment.address};
    }
    return by_name(image, ".eh_frame_hdr");
}

std::optional<std::uint64_t> read_encoded(ByteReader& reader, std::uint8_t format, bool wide) {
    switch (format) {
        case absptr:
            return wide ? reader.u64() : std::uint64_t{reader.u32()};
        case udata2:
            return reader.u16();
        case udata4:
            return reader.u32();
        case udata8:
        case sdata8:
            return reader.u64();
        case sdata2:
            return static_cast<std::uint64_t>(
                std::int64_t{static_cast<std::int16_t>(reader.u16())});
        case sdata4:
            return static_cast<std::uint64_t>(std::int64_t{reader.i32()});
        default:
            return std::nullopt;
    }
}

// eh_frame_ptr of .eh_frame_hdr: version, three encodings, then the pointer.
std::optional<Svma> eh_frame_address(const Located& header, const ElfImage& image) {
    ByteReader reader(header.bytes.view(), image.endian());
    const std::uint8_t version = reader.u8();
    const std::uint8_t encoding = reader.u8();
    reader.skip(2);  // fde_count_enc, table_enc
    if (!reader.ok() || version != 1 || encoding == encoding_omit) return std::nullopt;
    const std::uint64_t here = header.address.value + reader.position();
    const std::optional<std::uint64_t> value =
        read_encoded(reader, encoding & format_mask, image.is_64bit());
    if (!value || !reader.ok()) return std::nullopt;
    switch (encoding & application_mask) {
        case absolute:
            return Svma{*value};
        case pcrel:
            return Svma{here + *value};
        case datarel:
            return Svma{header.address.value + *value};
        default:
            return std::nullopt;
    }
}

Located find_eh_frame(const ElfImage& image, const Located& header) {
    Located named = by_name(image, ".eh_frame");
    if (!named.bytes.empty()) return named;
    const std::optional<Svma> address = eh_frame_address(header, image);
    if (!address) return {};
    return {image.read_address(*address, max_eh_frame), *address};
}

Located by_segment(const ElfImage& image, std::uint32_t type, std::string_view name) {
    for (const Segment& segment : image.segments()) {
        if (segment.type != type || segment.file_size > max_eh_frame) continue;
        OwnedBytes bytes = image.read_range(segment.offset, segment.file_size);
        if (!bytes.empty()) return {std::move(bytes), segment.address};
    }
    return by_name(image, name);
}

OwnedBytes find_debug_frame(const ElfImage& binary, const ElfImage* debug_file) {
    for (const ElfImage* image : {&binary, debug_file}) {
        if (image == nullptr) continue;
        for (const std::string_view name : {".debug_frame", ".zdebug_frame"}) {
            Located found = by_name(*image, name);
            if (!found.bytes.empty()) return std::move(found.bytes);
        }
    }
    return {};
}

Svma first_address(const ElfImage& image, std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names) {
        if (const Section* section = image.find_section(name)) return section->address;
    }
    return {};
}

}  // namespace

UnwindBytes read_unwind_sections(const ElfImage& binary, const ElfImage* debug_file) {
    UnwindBytes result;
    Located header = find_header(binary);
    Located frames = find_eh_frame(binary, header);
    result.debug_frame = find_debug_frame(binary, debug_file);
    result.eh_frame = std::move(frames.bytes);
    result.eh_frame_hdr = std::move(header.bytes);

    Located sframe = by_segment(binary, pt_gnu_sframe, ".sframe");
    result.sframe = std::move(sframe.bytes);

    UnwindSections& sections = result.sections;
    if (binary.machine() == EM_ARM) {
        Located exidx = by_segment(binary, PT_ARM_EXIDX, ".ARM.exidx");
        Located extab = by_name(binary, ".ARM.extab");
        result.arm_exidx = std::move(exidx.bytes);
        result.arm_extab = std::move(extab.bytes);
        sections.arm_exidx = result.arm_exidx.view();
        sections.arm_exidx_address = exidx.address;
        sections.arm_extab = result.arm_extab.view();
        sections.arm_extab_address = extab.address;
    }
    sections.sframe = result.sframe.view();
    sections.sframe_address = sframe.address;
    sections.eh_frame = result.eh_frame.view();
    sections.eh_frame_address = frames.address;
    sections.eh_frame_hdr = result.eh_frame_hdr.view();
    sections.eh_frame_hdr_address = header.address;
    sections.debug_frame = result.debug_frame.view();
    sections.text_address = first_address(binary, {".text"});
    // _GLOBAL_OFFSET_TABLE_ is at the start of .got.plt where there is one.
    sections.data_address = first_address(binary, {".got.plt", ".got"});
    sections.endian = binary.endian();
    sections.address_size = binary.is_64bit() ? 8 : 4;
    sections.numbers = register_numbers_of(binary.machine());
    return result;
}

}  // namespace fgread
