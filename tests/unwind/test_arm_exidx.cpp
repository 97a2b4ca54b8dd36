#include <doctest/doctest.h>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <vector>

#include "support/cfi_builder.h"
#include "unwind/arm_exidx.h"
#include "unwind/static_modules.h"
#include "unwind/unwind_table.h"
#include "unwind/walker.h"

using namespace fgread;
using fgread::test::CfiBytes;

namespace {

constexpr std::uint64_t index_address = 0x3000, table_address = 0x4000, function = 0x1000;
constexpr std::uint32_t cannot_unwind = 1;

std::uint32_t prel31(std::uint64_t from, std::uint64_t to) {
    return static_cast<std::uint32_t>(to - from) & 0x7fff'ffff;
}

// .ARM.exidx and .ARM.extab, line by line.
class Builder {
public:
    explicit Builder(Endian endian = Endian::little) : index_(endian), table_(endian) {}
    Builder& line(std::uint64_t start, std::uint32_t second) {
        index_.u32(prel31(index_address + index_.size(), start)).u32(second);
        return *this;
    }
    Builder& line_with_table(std::uint64_t start, std::initializer_list<std::uint32_t> words) {
        const std::uint64_t entry = table_address + table_.size();
        for (const std::uint32_t word : words) table_.u32(word);
        index_.u32(prel31(index_address + index_.size(), start));
        index_.u32(prel31(index_address + index_.size(), entry));
        return *this;
    }
    [[nodiscard]] UnwindSections sections() const {
        UnwindSections sections;
        sections.arm_exidx = index_.view();
        sections.arm_exidx_address = Svma{index_address};
        sections.arm_extab = table_.view();
        sections.arm_extab_address = Svma{table_address};
        sections.endian = index_.endian();
        sections.address_size = 4;
        return sections;
    }
    [[nodiscard]] std::optional<CfaRow> row_at(std::uint64_t pc) const {
        const UnwindSections all = sections();
        return ArmExidx({all.arm_exidx, all.arm_exidx_address},
                        {all.arm_extab, all.arm_extab_address}, all.endian)
            .row_at(Svma{pc});
    }

private:
    CfiBytes index_, table_;
};

// Three instructions in the line itself.
std::uint32_t inlined(unsigned a, unsigned b = 0xb0, unsigned c = 0xb0) {
    return 0x8000'0000u | a << 16 | b << 8 | c;
}
// As many as one likes, as the second personality routine has them.
std::optional<CfaRow> row_of(std::vector<unsigned> code) {
    while (code.size() % 4 != 2) code.push_back(0xb0);
    std::vector<std::uint32_t> words{0x8100'0000u |
                                     static_cast<std::uint32_t>(code.size() - 2) / 4 << 16 |
                                     code[0] << 8 | code[1]};
    for (std::size_t i = 2; i < code.size(); i += 4) {
        words.push_back(code[i] << 24 | code[i + 1] << 16 | code[i + 2] << 8 | code[i + 3]);
    }
    CfiBytes table, index;
    for (const std::uint32_t word : words) table.u32(word);
    index.u32(prel31(index_address, function)).u32(prel31(index_address + 4, table_address));
    return ArmExidx({index.view(), Svma{index_address}}, {table.view(), Svma{table_address}},
                    Endian::little)
        .row_at(Svma{function});
}

constexpr unsigned sp = 13, lr = 14;
RegisterRule from(std::uint16_t reg, std::int64_t offset) {
    return {RuleKind::in_register, reg, offset, {}};
}
RegisterRule saved(std::int64_t offset) { return {RuleKind::at_cfa, 0, offset, {}}; }

}  // namespace

TEST_CASE("Arm index: a line holds up to the next one") {
    Builder builder;
    builder.line(function, inlined(0xa8)).line(function + 0x20, cannot_unwind);
    builder.line(function + 0x40, inlined(0xab));
    CHECK_FALSE(builder.row_at(function - 2));
    for (const std::uint64_t pc : {function, function + 0x1e}) {
        const auto row = builder.row_at(pc);
        REQUIRE(row);
        CHECK(row->cfa == from(sp, 8));
        CHECK((*row)[4] == saved(-8));
        CHECK((*row)[lr] == saved(-4));
    }
    CHECK_FALSE(builder.row_at(function + 0x20));
    CHECK(builder.row_at(function + 0x50)->cfa == from(sp, 20));
}

TEST_CASE("Arm index: big-endian words") {
    Builder builder(Endian::big);
    builder.line(function, inlined(0xa8)).line_with_table(function + 8, {0x8002'afb0});
    CHECK(builder.row_at(function)->cfa == from(sp, 8));
    CHECK(builder.row_at(function + 8)->cfa == from(sp, 48));
}

TEST_CASE("Arm index: where the instructions are") {
    Builder builder;
    builder.line_with_table(0x1000, {0x8002'afb0});                            // routine 0
    builder.line_with_table(0x1100, {0x8101'0c3f, 0x8400'b0b0});               // 1: words follow
    builder.line_with_table(0x1200, {0x0000'1234, 0x0102'3f84, 0x00b0'b0b0});  // its own routine
    builder.line_with_table(0x1300, {0x8300'0000});                            // no such routine
    builder.line(0x1400, 0x8100'b0b0);               // not in the line itself
    builder.line_with_table(0x1500, {0x81ff'0c3f});  // beyond the section
    CHECK(builder.row_at(0x1000)->cfa == from(sp, 48));
    const auto row = builder.row_at(0x1100);
    REQUIRE(row);
    CHECK(row->cfa == from(sp, 52 + 256 + 4));
    CHECK((*row)[lr] == saved(-4));
    CHECK(builder.row_at(0x1200)->cfa == from(sp, 12 + 256 + 4));
    CHECK_FALSE(builder.row_at(0x1300));
    CHECK_FALSE(builder.row_at(0x1400));
    CHECK_FALSE(builder.row_at(0x1500));
}

TEST_CASE("Arm index: each instruction") {
    CHECK(row_of({0xb0})->cfa == from(sp, 0));
    CHECK(row_of({0x02})->cfa == from(sp, 12));
    CHECK(row_of({0x41, 0x01})->cfa == from(sp, 0));
    CHECK_FALSE(row_of({0x80, 0x00}));       // refuses
    const auto some = row_of({0x84, 0x81});  // r4, r11, lr
    REQUIRE(some);
    CHECK((*some)[4] == saved(-12));
    CHECK((*some)[11] == saved(-8));
    CHECK((*some)[lr] == saved(-4));
    const auto returning = row_of({0x88, 0x01});  // r4, pc
    REQUIRE(returning);
    CHECK((*returning)[lr] == saved(-4));
    const auto by_frame = row_of({0x9b, 0x41, 0x84, 0x80});  // sp = r11 - 8; r11, lr
    REQUIRE(by_frame);
    CHECK(by_frame->cfa == from(11, 0));
    CHECK((*by_frame)[11] == saved(-8));
    CHECK_FALSE(row_of({0x9d}));
    CHECK_FALSE(row_of({0x9f}));
    CHECK_FALSE(row_of({0xa8, 0x97}));  // places of what was popped are lost
    CHECK(row_of({0xa0})->has(4));
    CHECK_FALSE(row_of({0xa0})->has(lr));
    CHECK(row_of({0xaf})->cfa == from(sp, 36));
    CHECK(row_of({0xb1, 0x0f})->cfa == from(sp, 16));
    CHECK_FALSE(row_of({0xb1, 0x00}));
    CHECK_FALSE(row_of({0xb1, 0x10}));
    CHECK(row_of({0xb2, 0x01})->cfa == from(sp, 0x208));
    CHECK(row_of({0xb2, 0x80, 0x01})->cfa == from(sp, 0x404));
    CHECK_FALSE(row_of({0xb2, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01}));
    CHECK(row_of({0xb3, 0x83})->cfa == from(sp, 36));
    CHECK(row_of({0xb4})->cfa == from(sp, 4));
    CHECK(row_of({0xb5})->cfa == from(sp, 0));
    CHECK(row_of({0xb9})->cfa == from(sp, 20));
    CHECK(row_of({0xc1})->cfa == from(sp, 16));
    CHECK(row_of({0xc6, 0x12})->cfa == from(sp, 24));
    CHECK(row_of({0xc7, 0x05})->cfa == from(sp, 8));
    CHECK_FALSE(row_of({0xc7, 0x00}));
    CHECK(row_of({0xc8, 0x01})->cfa == from(sp, 16));
    CHECK(row_of({0xc9, 0x80})->cfa == from(sp, 8));
    CHECK(row_of({0xd3})->cfa == from(sp, 32));
    for (const unsigned spare : {0xb6u, 0xb7u, 0xcau, 0xcfu, 0xd8u, 0xffu}) {
        CHECK_FALSE(row_of({spare}));
    }
}

namespace {

// main (at 0x1010: bl; two words on the stack) calls leaf (0x1100: one word on the stack).
class Process {
public:
    Process() {
        builder_.line(0x1000, inlined(0xa8)).line(0x1100, inlined(0xa8));
        builder_.line(0x1200, cannot_unwind).line(0x1300, inlined(0x0f, 0xa8));
        while (code_.size() < 0x10) code_.u32(0xe1a0'0000);
        code_.u32(0xeb00'0000).u32(0xe1a0'0000);  // bl: returns to 0x1014
        while (code_.size() < 0x110) code_.u32(0xe1a0'0000);
        code_.u32(0xeb00'0000);  // bl in the leaf: returns to 0x1114
        while (code_.size() < 0x400) code_.u32(0xe1a0'0000);
        const ModuleId module = modules_.add(builder_.sections());
        modules_.add_memory(module, Svma{0x1000}, code_.view());
        modules_.map(space_, {1, 0}, module, Avma{0x11000}, Avma{0x12000}, 0x10000);
        registers_.set_abi(TaskAbi::arm);
        registers_.set(sp, dump_base);
    }
    Process& at(std::uint64_t pc, std::uint64_t link) {
        registers_.set(15, pc);
        registers_.set(lr, link);
        return *this;
    }
    Process& words(std::initializer_list<std::uint64_t> values) {
        for (const std::uint64_t value : values) dump_.u32(value);
        return *this;
    }
    std::vector<std::uint64_t> walk() {
        StackWalker walker(modules_);
        reason = walker.walk(space_, {2, 0}, registers_, {Avma{dump_base}, dump_.view()}, frames_)
                     .reason;
        std::vector<std::uint64_t> result;
        for (const WalkedFrame& frame : frames_) result.push_back(frame.pc.value);
        return result;
    }
    StopReason reason = StopReason::complete;

private:
    static constexpr std::uint64_t dump_base = 0xbe00'0000;
    Builder builder_;
    CfiBytes code_, dump_;
    StaticModules modules_;
    AddressSpace space_;
    RegisterFile registers_;
    std::vector<WalkedFrame> frames_;
};
using Pcs = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("Arm index: a walk from a function's body") {
    Process process;
    process.at(0x11120, 0x11114).words({1, 0x11014, 2, 0});
    CHECK(process.walk() == Pcs{0x11120, 0x11014});
    CHECK(process.reason == StopReason::complete);
}

TEST_CASE("Arm index: in a prologue the return address is in its register") {
    Process process;
    process.at(0x11100, 0x11014).words({2, 0});
    CHECK(process.walk() == Pcs{0x11100, 0x11014});
}

TEST_CASE("Arm index: registers are pushed, and the rest of the frame is not made yet") {
    Process process;
    process.at(0x11300, 0x11014).words({1, 0x11014, 2, 0});
    CHECK(process.walk() == Pcs{0x11300, 0x11014});
    CHECK(process.reason == StopReason::complete);
}

TEST_CASE("Arm index: an address that leads behind a call and no farther is not believed") {
    Process process;
    process.at(0x11120, 0x11114).words({1, 0x11014, 2, 0x11018});
    CHECK(process.walk() == Pcs{0x11120});
}

TEST_CASE("Arm index: what the function has called left no return address of its own") {
    Process process;
    process.at(0x11120, 0x11114).words({1, 0x11018});  // an epilogue: neither is behind a call
    CHECK(process.walk() == Pcs{0x11120});
    CHECK(process.reason == StopReason::rule_unsupported);
}

TEST_CASE("Arm index: a function that cannot be left ends the stack") {
    Process process;
    process.at(0x11200, 0x11014).words({1, 0x11014});
    CHECK(process.walk() == Pcs{0x11200});
    CHECK(process.reason == StopReason::no_cfi);
}
