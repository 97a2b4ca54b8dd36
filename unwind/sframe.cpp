#include "unwind/sframe.h"

#include <algorithm>
#include <array>

#include "unwind/x86_64.h"

namespace fgread {
namespace {

constexpr std::uint16_t magic = 0xdee2;
constexpr std::uint8_t version_2 = 2;
constexpr std::uint64_t header_size = 28, function_size = 20;
// Header flag of binutils 2.45: a function's start counts from its own field, not from the section.
constexpr std::uint8_t start_is_pc_relative = 4;

enum Abi : std::uint8_t { aarch64_big = 1, aarch64_little = 2, amd64 = 3 };

// func_info: how wide the addresses of its rows are, and whether these repeat.
constexpr std::uint8_t address_width_mask = 0x0f, repeats_flag = 0x10;

std::optional<std::uint32_t> read_unsigned(ByteReader& in, unsigned width) {
    switch (width) {
        case 0:
            return in.u8();
        case 1:
            return in.u16();
        case 2:
            return in.u32();
        default:
            return std::nullopt;
    }
}

std::optional<std::int32_t> read_signed(ByteReader& in, unsigned width) {
    const auto value = read_unsigned(in, width);
    if (!value) return std::nullopt;
    if (width == 0) return static_cast<std::int8_t>(*value);
    if (width == 1) return static_cast<std::int16_t>(*value);
    return static_cast<std::int32_t>(*value);
}

// A row: from which offset in the function it holds, and its offsets from the CFA.
struct Row {
    std::uint32_t start = 0;
    bool from_sp = false;
    std::array<std::int32_t, 3> offsets{};
    unsigned count = 0;
};

std::optional<Row> read_row(ByteReader& in, unsigned address_width) {
    const auto start = read_unsigned(in, address_width);
    if (!start) return std::nullopt;
    const unsigned info = in.u8();
    Row row;
    row.start = *start;
    row.from_sp = (info & 1) != 0;
    row.count = (info >> 1) & 0x0f;
    const unsigned width = (info >> 5) & 3;
    if (row.count > row.offsets.size()) return std::nullopt;
    for (unsigned i = 0; i < row.count; ++i) {
        const auto offset = read_signed(in, width);
        if (!offset) return std::nullopt;
        row.offsets[i] = *offset;
    }
    return in.ok() ? std::optional(row) : std::nullopt;
}

}  // namespace

// DWARF registers.
struct SFrame::Machine {
    std::uint8_t sp, fp, return_address;
    std::array<std::uint8_t, 9> unknown;  // those a call preserves, of which nothing is said
    std::size_t unknown_count;
};

std::uint8_t SFrame::return_address() const { return machine_->return_address; }

bool SFrame::read_header(ByteReader& in) {
    static constexpr Machine x86_machine{
        x86_64::rsp,
        x86_64::rbp,
        x86_64::return_address,
        {x86_64::rbx, x86_64::r12, x86_64::r12 + 1, x86_64::r12 + 2, x86_64::r15},
        5};
    static constexpr Machine arm_machine{31, 29, 30, {19, 20, 21, 22, 23, 24, 25, 26, 27}, 9};
    if (in.u16() != magic || in.u8() != version_2) return false;
    flags_ = in.u8();
    const std::uint8_t abi = in.u8();
    const bool big = endian_ == Endian::big;
    if (abi == amd64 && !big) machine_ = &x86_machine;
    if (abi == (big ? aarch64_big : aarch64_little)) machine_ = &arm_machine;
    fixed_fp_ = static_cast<std::int8_t>(in.u8());
    fixed_ra_ = static_cast<std::int8_t>(in.u8());
    const std::uint64_t data = header_size + in.u8();  // behind an auxiliary header
    count_ = in.u32();
    in.skip(2 * sizeof(std::uint32_t));  // number and size of all rows
    functions_at_ = data + in.u32();
    rows_at_ = data + in.u32();
    return in.ok() && machine_ != nullptr;
}

void SFrame::read_functions(ByteView section, Svma address) {
    if (functions_at_ > section.size() || rows_at_ > section.size()) return;
    rows_ = section.subspan(rows_at_);
    ByteReader in(section, endian_);
    in.seek(functions_at_);
    while (functions_.size() + malformed_ < count_ && in.remaining() >= function_size) {
        const std::uint64_t field = address.value + in.position();
        const bool relative = (flags_ & start_is_pc_relative) != 0;
        Function function;
        function.start =
            (relative ? field : address.value) + static_cast<std::uint64_t>(std::int64_t{in.i32()});
        function.end = function.start + in.u32();
        function.rows = in.u32();
        function.count = in.u32();
        function.info = in.u8();
        function.repeats = in.u8();
        in.skip(2);  // padding
        if (function.end <= function.start || function.rows > rows_.size()) {
            ++malformed_;
            continue;
        }
        functions_.push_back(function);
    }
    std::stable_sort(functions_.begin(), functions_.end(),
                     [](const Function& a, const Function& b) { return a.start < b.start; });
}

std::optional<SFrame> SFrame::read(ByteView section, Svma address, Endian endian) {
    SFrame result;
    result.endian_ = endian;
    ByteReader in(section, endian);
    if (!result.read_header(in)) return std::nullopt;
    result.read_functions(section, address);
    return result;
}

const SFrame::Function* SFrame::find(Svma pc) const {
    const auto after = std::upper_bound(
        functions_.begin(), functions_.end(), pc.value,
        [](std::uint64_t wanted, const Function& each) { return wanted < each.start; });
    if (after == functions_.begin() || pc.value >= (after - 1)->end) return nullptr;
    return &*(after - 1);
}

std::optional<SFrame::Range> SFrame::function_at(Svma pc) const {
    const Function* function = find(pc);
    if (function == nullptr) return std::nullopt;
    return Range{{function->start}, {function->end}};
}

std::optional<CfaRow> SFrame::row_at(Svma pc) const {
    const Function* function = find(pc);
    if (function == nullptr) return std::nullopt;
    std::uint64_t wanted = pc.value - function->start;
    if ((function->info & repeats_flag) != 0 && function->repeats != 0) {
        wanted %= function->repeats;
    }
    ByteReader in(rows_, endian_);
    in.seek(function->rows);
    std::optional<Row> found;
    for (std::uint32_t i = 0; i < function->count; ++i) {
        const auto row = read_row(in, function->info & address_width_mask);
        if (!row) return std::nullopt;
        if (row->start > wanted) break;
        found = row;
    }
    if (!found || found->count == 0) return std::nullopt;

    CfaRow result;
    const Machine& machine = *machine_;
    result.cfa = {
        RuleKind::in_register, found->from_sp ? machine.sp : machine.fp, found->offsets[0], {}};
    // Behind the CFA's comes the return address's offset, unless it is fixed, then the frame
    // pointer's. What has none is where it was.
    unsigned next = 1;
    const auto place = [&](std::uint8_t reg, std::int8_t fixed) {
        if (fixed != 0) {
            result.set(reg, {RuleKind::at_cfa, 0, fixed, {}});
        } else if (next < found->count) {
            result.set(reg, {RuleKind::at_cfa, 0, found->offsets[next++], {}});
        } else {
            result.set(reg, {RuleKind::same_value, 0, 0, {}});
        }
    };
    place(machine.return_address, fixed_ra_);
    place(machine.fp, fixed_fp_);
    for (std::size_t i = 0; i < machine.unknown_count; ++i) {
        result.set(machine.unknown[i], {RuleKind::undefined, 0, 0, {}});
    }
    return result;
}

}  // namespace fgread
