#include "symbols/jitdump.h"

#include <elf.h>

#include <algorithm>
#include <limits>
#include <map>
#include <mutex>

#include <fmt/format.h>

namespace fgread {
namespace {

constexpr std::uint32_t magic = 0x4a695444;  // "JiTD" in the byte order of the writer
constexpr std::uint32_t magic_swapped = 0x4454694a;
constexpr std::uint32_t known_version = 1;
constexpr std::uint64_t header_size = 40;
constexpr std::uint64_t record_prefix_size = 16;
constexpr std::uint64_t flag_processor_clock = 1;
constexpr std::uint32_t v8_padding = 0xdeadbeef;
// V8 counts the ELF header that perf inject used to put before the code.
constexpr std::uint64_t v8_line_offset = 0x40;
constexpr std::string_view same_file = "\xff";
// Lines of one function that are believed; a look-up goes through all of them.
constexpr std::uint64_t max_lines = 1 << 16;

enum RecordId : std::uint32_t {
    code_load = 0,
    code_move = 1,
    code_debug_info = 2,
    code_close = 3,
    code_unwinding_info = 4,
};

// DEBUG_INFO of one function, checked: `bytes` starts at the first entry.
struct DebugInfo {
    ByteView bytes;
    std::uint64_t entries = 0;
    std::uint64_t base = 0;  // what the addresses in it are relative to
};

struct UnwindInfo {
    ByteView eh_frame, eh_frame_hdr;
};

std::uint64_t round_up_8(std::uint64_t value) { return (value + 7) & ~std::uint64_t{7}; }

}  // namespace

struct JitDump::Known {
    struct Entry {
        std::uint64_t svma = 0;
        std::uint64_t size = 0;
        std::string_view name;
        DebugInfo debug;
        UnwindInfo unwind;
    };
    std::vector<Entry> functions;  // by svma: in the order of the file

    std::mutex mutex;
    std::map<std::uint32_t, UnwindTable> tables;  // by function; made when asked for

    [[nodiscard]] const Entry* at(Svma address) const {
        const auto after = std::upper_bound(
            functions.begin(), functions.end(), address.value,
            [](std::uint64_t value, const Entry& entry) { return value < entry.svma; });
        if (after == functions.begin()) return nullptr;
        const Entry& entry = *(after - 1);
        return address.value - entry.svma < entry.size ? &entry : nullptr;
    }
};

// Goes through the records; knows what came before a load and belongs to it.
struct JitDump::Parser {
    JitDump& dump;
    bool timed;
    std::map<std::uint64_t, std::uint32_t> by_index{};  // code_index -> the function's last place
    ByteView debug_record{}, unwind_record{};

    void record(std::uint32_t id, EventTime when, std::uint64_t offset, ByteView body) {
        switch (id) {
            case code_load:
                count_unless(load(when, offset, body));
                debug_record = unwind_record = {};
                break;
            case code_move:
                count_unless(move(when, body));
                break;
            case code_debug_info:
                debug_record = body;
                break;
            case code_unwinding_info:
                unwind_record = body;
                break;
            default:  // CLOSE, and what later versions may add
                break;
        }
    }

    void count_unless(bool sound) { dump.malformed_ += sound ? 0 : 1; }

    // `offset` is the body's place in the file.
    bool load(EventTime when, std::uint64_t offset, ByteView body) {
        ByteReader in(body, dump.header_.endian);
        in.skip(4 + 4 + 8);  // pid, tid, vma
        const std::uint64_t address = in.u64();
        const std::uint64_t size = in.u64();
        const std::uint64_t index = in.u64();
        const std::string_view name = in.c_string();
        // The code ends the record.
        if (!in.ok() || size == 0 || size > in.remaining() || name.empty()) return false;
        if (address > std::numeric_limits<std::uint64_t>::max() - size) return false;

        Known::Entry entry{offset + body.size() - size, size, name, {}, {}};
        const bool lines_sound = read_debug_info(entry, address);
        const bool rules_sound = read_unwind_info(entry);
        const auto function = static_cast<std::uint32_t>(dump.known_->functions.size());
        Placed placed{{address}, entry.svma, size, function};
        if (!place(when, index, placed)) return false;
        dump.known_->functions.push_back(entry);
        return lines_sound && rules_sound;
    }

    bool move(EventTime when, ByteView body) {
        ByteReader in(body, dump.header_.endian);
        in.skip(4 + 4 + 8 + 8);  // pid, tid, vma, old address
        const std::uint64_t address = in.u64();
        const std::uint64_t size = in.u64();
        const std::uint64_t index = in.u64();
        const auto known = by_index.find(index);
        if (!in.ok() || known == by_index.end()) return false;
        Placed placed = dump.placed_[known->second];
        if (size == 0 || size > placed.size) return false;
        if (address > std::numeric_limits<std::uint64_t>::max() - size) return false;
        placed.start = {address};
        placed.size = size;
        return place(when, index, placed);
    }

    bool place(EventTime when, std::uint64_t index, const Placed& placed) {
        if (dump.placed_.size() == max_loads) return false;
        const auto number = static_cast<std::uint32_t>(dump.placed_.size());
        dump.placed_.push_back(placed);
        by_index[index] = number;
        dump.places_by_time_.map(timed ? when : EventTime{}, placed.start,
                                 {placed.start.value + placed.size}, {number + 1});
        return true;
    }

    // Believed as a whole or not at all: node 20 writes file names out of memory it has freed,
    // with NULs in them, after which all is out of step.
    bool read_debug_info(Known::Entry& entry, std::uint64_t address) const {
        if (debug_record.empty()) return true;
        ByteReader in(debug_record, dump.header_.endian);
        in.skip(8);  // code address
        const std::uint64_t count = in.u64();
        if (count > max_lines) return false;
        const std::uint64_t shift = dump.header_.by_v8 ? v8_line_offset : 0;
        DebugInfo debug{in.bytes(in.remaining()), count, address + shift};
        ByteReader entries(debug.bytes, dump.header_.endian);
        for (std::uint64_t i = 0; i < count; ++i) {
            const std::uint64_t at = entries.u64() - debug.base;
            entries.skip(4 + 4);  // line, discriminator
            (void)entries.c_string();
            if (!in.ok() || !entries.ok() || at > entry.size) return false;
        }
        entry.debug = debug;
        return true;
    }

    bool read_unwind_info(Known::Entry& entry) const {
        if (unwind_record.empty()) return true;
        ByteReader in(unwind_record, dump.header_.endian);
        const std::uint64_t size = in.u64();
        const std::uint64_t header_part = in.u64();
        in.skip(8);  // how much of it the JIT has in memory, too
        const ByteView bytes = in.bytes(size);
        if (!in.ok() || header_part > size) return false;
        entry.unwind.eh_frame = bytes.first(static_cast<std::size_t>(size - header_part));
        entry.unwind.eh_frame_hdr = bytes.last(static_cast<std::size_t>(header_part));
        return true;
    }
};

JitDump::JitDump() : known_(std::make_unique<Known>()) {}
JitDump::~JitDump() = default;
JitDump::JitDump(JitDump&&) noexcept = default;
JitDump& JitDump::operator=(JitDump&&) noexcept = default;

Result<JitDump> JitDump::read(OwnedBytes content, bool timed) {
    JitDump dump;
    dump.content_ = std::move(content);
    const ByteView bytes = dump.content_.view();
    JitDumpHeader& header = dump.header_;
    const std::uint32_t mark = ByteReader(bytes).u32();
    if (mark != magic && mark != magic_swapped) {
        return Error{ErrorKind::not_perf_data, "not a jitdump file"};
    }
    header.endian = mark == magic ? Endian::little : Endian::big;
    ByteReader in(bytes, header.endian);
    in.skip(4);
    header.version = in.u32();
    const std::uint64_t first_record = in.u32();
    header.machine = static_cast<std::uint16_t>(in.u32());
    header.by_v8 = in.u32() == v8_padding;
    header.pid = in.i32();
    in.skip(8);  // when the file was made
    header.processor_clock = (in.u64() & flag_processor_clock) != 0;
    if (!in.ok() || first_record < header_size) {
        return Error{ErrorKind::not_perf_data, "jitdump cut inside its header"};
    }
    if (header.version != known_version) {
        return Error{ErrorKind::unsupported,
                     fmt::format("jitdump of version {}, not 1", header.version)};
    }

    in.seek(first_record);
    Parser parser{dump, timed && !header.processor_clock};
    while (in.ok() && !in.at_end()) {
        const std::uint32_t id = in.u32();
        const std::uint32_t size = in.u32();
        const EventTime when{in.u64(), 0};
        const std::uint64_t offset = in.position();
        const bool fits = size >= record_prefix_size && size - record_prefix_size <= in.remaining();
        if (!in.ok() || !fits) {
            ++dump.malformed_;
            break;
        }
        parser.record(id, when, offset, in.bytes(size - record_prefix_size));
    }
    return dump;
}

std::size_t JitDump::function_count() const { return known_->functions.size(); }

std::optional<JitDump::Function> JitDump::function_at(Svma address) const {
    const Known::Entry* entry = known_->at(address);
    if (entry == nullptr) return std::nullopt;
    const auto number = static_cast<std::uint32_t>(entry - known_->functions.data());
    return Function{entry->name, number, Svma{entry->svma}};
}

std::optional<FunctionRange> JitDump::range_at(Svma address) const {
    const Known::Entry* entry = known_->at(address);
    if (entry == nullptr || header_.machine != EM_X86_64) return std::nullopt;
    return FunctionRange{{entry->svma}, {entry->svma + entry->size}};
}

std::optional<JitDump::Line> JitDump::line_at(Svma address) const {
    const Known::Entry* entry = known_->at(address);
    if (entry == nullptr || entry->debug.entries == 0) return std::nullopt;
    const std::uint64_t wanted = address.value - entry->svma;
    ByteReader in(entry->debug.bytes, header_.endian);
    std::optional<Line> best;
    std::uint64_t best_at = 0;
    std::string_view file;
    for (std::uint64_t i = 0; i < entry->debug.entries; ++i) {
        const std::uint64_t at = in.u64() - entry->debug.base;
        const std::uint32_t line = in.u32();
        in.skip(4);
        const std::string_view name = in.c_string();
        if (name != same_file) file = name;
        if (at > wanted || (best && at < best_at)) continue;
        best = Line{file, line};
        best_at = at;
    }
    return best;
}

const UnwindTable* JitDump::unwind_table(std::uint32_t function) const {
    const Known::Entry& entry = known_->functions[function];
    if (entry.unwind.eh_frame.empty()) return nullptr;
    const std::lock_guard lock(known_->mutex);
    const auto known = known_->tables.find(function);
    if (known != known_->tables.end()) return &known->second;
    // Its pointers are relative to where a JIT puts it in memory: behind the code.
    UnwindSections sections;
    sections.eh_frame = entry.unwind.eh_frame;
    sections.eh_frame_address = {entry.svma + round_up_8(entry.size)};
    sections.eh_frame_hdr = entry.unwind.eh_frame_hdr;
    sections.eh_frame_hdr_address = {sections.eh_frame_address.value + sections.eh_frame.size()};
    sections.text_address = {entry.svma};
    sections.endian = header_.endian;
    return &known_->tables.emplace(function, UnwindTable(sections)).first->second;
}

std::optional<std::uint64_t> JitDump::read_word(Svma address) const {
    const Known::Entry* entry = known_->at(address);
    if (entry == nullptr || entry->size - (address.value - entry->svma) < 8) return std::nullopt;
    const auto bytes = checked_subview(content_.view(), address.value, 8);
    return bytes ? std::optional(ByteReader(*bytes, header_.endian).u64()) : std::nullopt;
}

}  // namespace fgread
