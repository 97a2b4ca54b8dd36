#include "perfdata/file_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "perfdata/format.h"

namespace fgread {
namespace {

using namespace format;

// The kernel takes no perf_event_attr beyond a page (perf_copy_attr), and perf no more events.
constexpr std::uint64_t max_attr_size = 4096;
constexpr std::uint64_t max_attrs = 65536;

// "PERFILE2" as a little-endian and as a big-endian machine writes it, and the format before it.
constexpr std::string_view magic_little = "PERFILE2";
constexpr std::string_view magic_big = "2ELIFREP";
constexpr std::string_view magic_old = "PERFFILE";

template <class... Args>
Error fail(ErrorKind kind, const InputFile& file, fmt::format_string<Args...> text,
           Args&&... args) {
    return {kind, file.path() + ": " + fmt::format(text, std::forward<Args>(args)...)};
}

bool begins_with(ByteView bytes, std::string_view magic) {
    return bytes.size() >= magic.size() &&
           std::equal(magic.begin(), magic.end(), bytes.begin(),
                      [](char a, std::byte b) { return static_cast<std::byte>(a) == b; });
}

// The old magic is text, the same in both byte orders: only one makes sense of the attrs' size.
Endian endian_of_old(ByteView bytes) {
    ByteReader in(bytes, Endian::little);
    in.skip(16);
    const std::uint64_t attr_size = in.u64();
    const bool sensible = attr_size <= max_attr_size + attr_ids_section_size;
    return in.ok() && !sensible ? Endian::big : Endian::little;
}

FileSection read_section(ByteReader& in) {
    FileSection section;
    section.offset = in.u64();
    section.size = in.u64();
    return section;
}

// The bitmap is an array of the recorder's longs: on a 32-bit big-endian machine the halves of
// what is read as 8 bytes are exchanged. No recorder writes only features from 32 on. (perf goes by
// the hostname, which simpleperf does not record.)
void repair_feature_bits(FileHeader& header) {
    constexpr std::uint64_t first_half = 0xffffffff;
    if (header.endian == Endian::little || (header.feature_bits[0] & first_half) != 0) return;
    for (std::uint64_t& bits : header.feature_bits) bits = bits << 32 | bits >> 32;
}

FileHeader parse_header(ByteView bytes, Endian endian) {
    ByteReader in(bytes, endian);
    FileHeader header;
    header.endian = endian;
    in.skip(8);
    header.size = in.u64();
    header.attr_size = in.u64();
    header.attrs = read_section(in);
    header.data = read_section(in);
    in.skip(16);  // event_types, unused since 3.x
    if (header.size >= file_header_size) {
        for (std::uint64_t& bits : header.feature_bits) bits = in.u64();
        repair_feature_bits(header);
    }
    return header;
}

// What makes a header useless: nothing can be salvaged behind it.
std::optional<Error> unusable(const InputFile& file, const FileHeader& header) {
    if (header.size != old_file_header_size && header.size < file_header_size) {
        return fail(ErrorKind::damaged, file,
                    "has a header of {} bytes (at offset 8), where {} are usual: the file is "
                    "damaged; record again",
                    header.size, file_header_size);
    }
    if (header.attr_size < first_attr_size + attr_ids_section_size ||
        header.attr_size > max_attr_size + attr_ids_section_size) {
        return fail(ErrorKind::damaged, file,
                    "says its events are described in {} bytes each (at offset 16), which cannot "
                    "be: the header is damaged or was never completed; record again",
                    header.attr_size);
    }
    const bool outside = header.attrs.offset < header.size || header.attrs.offset > file.size() ||
                         header.attrs.size > file.size() - header.attrs.offset;
    if (outside || header.attrs.size < header.attr_size) {
        return fail(ErrorKind::damaged, file,
                    "has no complete description of its events (offset {}, {} bytes, in a file of "
                    "{}): without it no sample can be read; the file was cut or damaged",
                    header.attrs.offset, header.attrs.size, file.size());
    }
    if (header.data.offset < header.size || header.data.offset > file.size()) {
        return fail(ErrorKind::damaged, file,
                    "has its records at offset {}, outside the file of {} bytes: it was cut or "
                    "damaged",
                    header.data.offset, file.size());
    }
    return std::nullopt;
}

// How far apart the entries are, and where in one its section of ids is.
struct AttrTableShape {
    std::uint64_t stride = 0;
    std::uint64_t ids_at = 0;
    std::uint64_t count = 0;
};

// perf steps by the attr's own size; the header's agrees, except in some of simpleperf's files,
// whose attr_size is 16 too large.
AttrTableShape shape_of(const FileHeader& header, std::uint64_t own_size) {
    AttrTableShape shape;
    if (own_size == 0) own_size = first_attr_size;
    const std::uint64_t own_stride = own_size + attr_ids_section_size;
    const bool own_fits = own_size >= first_attr_size && own_size <= max_attr_size &&
                          own_stride <= header.attr_size && header.attrs.size % own_stride == 0;
    shape.stride = own_fits ? own_stride : header.attr_size;
    shape.ids_at = shape.stride - attr_ids_section_size;
    shape.count = header.attrs.size / shape.stride;
    return shape;
}

// False if the section is not inside the file. `budget`: ids all tables together may still have.
bool read_ids(const InputFile& file, Endian endian, const FileSection& section,
              std::uint64_t& budget, std::vector<std::uint64_t>& ids) {
    if (section.size == 0) return true;
    const std::uint64_t count = section.size / 8;
    if (section.size % 8 != 0 || section.offset > file.size() ||
        section.size > file.size() - section.offset || count > budget) {
        return false;
    }
    budget -= count;
    std::vector<std::byte> bytes(static_cast<std::size_t>(section.size));
    const auto got = file.read_at(section.offset, bytes);
    if (!got || *got != bytes.size()) return false;
    const U64View words(bytes, endian);
    ids.reserve(words.size());
    for (std::size_t i = 0; i < words.size(); ++i) ids.push_back(words[i]);
    return true;
}

// The bit-field of a big-endian machine begins at the other end of its 8 bytes.
std::uint64_t read_flags(ByteReader& in) {
    const std::uint64_t bits = in.u64();
    if (in.endian() == Endian::little) return bits;
    std::uint64_t reversed = 0;
    for (unsigned i = 0; i < 64; ++i) reversed |= ((bits >> i) & 1) << (63 - i);
    return reversed;
}

}  // namespace

EventAttr parse_attr(ByteView bytes, Endian endian) {
    constexpr std::size_t known_size = 144;  // PERF_ATTR_SIZE_VER9
    std::array<std::byte, known_size> padded = {};
    std::copy_n(bytes.begin(), std::min(bytes.size(), known_size), padded.begin());
    ByteReader in(padded, endian);
    EventAttr attr;
    attr.type = in.u32();
    in.skip(4);  // size
    attr.config = in.u64();
    attr.sample_period_or_freq = in.u64();
    attr.sample_type = in.u64();
    attr.read_format = in.u64();
    attr.flags = read_flags(in);
    in.skip(4 + 4 + 8 + 8);  // wakeup, bp_type, bp_addr, bp_len
    attr.branch_sample_type = in.u64();
    attr.sample_regs_user = in.u64();
    attr.sample_stack_user = in.u32();
    attr.clockid = in.i32();
    attr.sample_regs_intr = in.u64();
    in.skip(4);  // aux_watermark
    attr.sample_max_stack = in.u16();
    return attr;
}

Container recognise(ByteView first_bytes) {
    if (begins_with(first_bytes, magic_old)) {
        return {Container::Kind::seekable, endian_of_old(first_bytes)};
    }
    const bool big = begins_with(first_bytes, magic_big);
    if (!big && !begins_with(first_bytes, magic_little)) return {};
    const Endian endian = big ? Endian::big : Endian::little;
    ByteReader in(first_bytes, endian);
    in.skip(8);
    const bool pipe = in.u64() == pipe_header_size;
    return {pipe ? Container::Kind::pipe : Container::Kind::seekable, endian};
}

Result<FileHeader> read_file_header(const InputFile& file, Diagnostics& diagnostics) {
    std::array<std::byte, file_header_size> buffer;
    const auto got = file.read_at(0, buffer);
    if (!got) return got.error();
    const ByteView bytes = ByteView(buffer).first(*got);
    if (bytes.empty()) {
        return fail(ErrorKind::not_perf_data, file,
                    "is empty; the recorder was stopped before it wrote anything");
    }
    const Container container = recognise(bytes);
    if (container.kind == Container::Kind::unknown) {
        return fail(ErrorKind::not_perf_data, file,
                    "is not a recording of perf: it does not begin with PERFILE2; give the file "
                    "that perf record -o wrote, not the text of perf script");
    }
    if (bytes.size() < old_file_header_size) {
        return fail(ErrorKind::damaged, file,
                    "ends after {} bytes, inside its header of {}: the file was cut; copy or "
                    "record it again",
                    bytes.size(), file_header_size);
    }

    FileHeader header = parse_header(bytes, container.endian);
    if (auto error = unusable(file, header)) return *error;
    if (header.data.size == 0) {
        diagnostics.add(Problem::file_not_finalised, header.data.offset);
    } else if (header.data.size > file.size() - header.data.offset) {
        diagnostics.add(Problem::file_truncated, file.size());
    }
    return header;
}

Result<std::vector<EventAttr>> read_attrs(const InputFile& file, const FileHeader& header,
                                          Diagnostics& diagnostics) {
    std::vector<std::byte> entry(static_cast<std::size_t>(header.attr_size));
    std::vector<EventAttr> attrs;
    AttrTableShape shape = {header.attr_size, 0, 1};
    // A real id takes 8 bytes of the file; tables that overlap could otherwise ask for any amount.
    std::uint64_t id_budget = file.size() / 8;
    for (std::uint64_t i = 0; i < shape.count; ++i) {
        const std::uint64_t offset = header.attrs.offset + i * shape.stride;
        const auto bytes = std::span(entry).first(static_cast<std::size_t>(shape.stride));
        const auto got = file.read_at(offset, bytes);
        if (!got) return got.error();
        if (*got != bytes.size()) {
            return fail(ErrorKind::damaged, file, "ends inside the description of its events");
        }
        if (i == 0) {
            const auto own_size = load_unchecked<std::uint32_t>(entry.data() + 4, header.endian);
            shape = shape_of(header, own_size);
            if (shape.count > max_attrs) {
                return fail(ErrorKind::damaged, file, "claims to have {} events; at most {} can be",
                            shape.count, max_attrs);
            }
        }
        const auto ids_at = static_cast<std::size_t>(shape.ids_at);
        EventAttr attr = parse_attr(ByteView(entry).first(ids_at), header.endian);
        ByteReader in(ByteView(entry).subspan(ids_at), header.endian);
        if (!read_ids(file, header.endian, read_section(in), id_budget, attr.ids)) {
            diagnostics.add(Problem::feature_malformed, offset + shape.ids_at, "ids of an event");
        }
        attrs.push_back(std::move(attr));
    }
    return attrs;
}

}  // namespace fgread
