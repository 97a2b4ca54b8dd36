#include <doctest/doctest.h>

#include "support/cfi_builder.h"
#include "unwind/x86_64.h"

using namespace fgread;
using fgread::test::CfiBytes;

namespace {

// AX BX CX DX SI DI BP SP IP and R8-R15: what perf record --call-graph dwarf asks for.
constexpr std::uint64_t perf_mask = 0xff0fff;

// A value for each register: 0x100 + its perf number.
CfiBytes perf_values() {
    CfiBytes values;
    for (unsigned number = 0; number < 24; ++number) {
        if ((perf_mask >> number) & 1) values.u64(0x100 + number);
    }
    return values;
}

RegsView view_of(const CfiBytes& values, std::uint64_t mask = perf_mask, std::uint64_t abi = 2) {
    return {abi, mask, U64View(values.view(), Endian::little)};
}

RegisterRule rule(RuleKind kind, std::int64_t offset = 0, unsigned source = 0) {
    RegisterRule result;
    result.kind = kind;
    result.offset = offset;
    result.source = static_cast<std::uint16_t>(source);
    return result;
}

// push rbp; push rbx; sub rsp, 8
UnwindRule usual_rule() {
    UnwindRule usual;
    usual.return_address = x86_64::return_address;
    usual.cfa = rule(RuleKind::in_register, 32, x86_64::rsp);
    usual.registers = {{x86_64::rbx, rule(RuleKind::at_cfa, -24)},
                       {x86_64::rbp, rule(RuleKind::at_cfa, -16)},
                       {x86_64::return_address, rule(RuleKind::at_cfa, -8)}};
    return usual;
}

}  // namespace

TEST_CASE("perf's registers get their DWARF numbers") {
    const CfiBytes values = perf_values();
    const RegisterFile file = x86_64::registers_from_sample(view_of(values));
    const unsigned perf_of_dwarf[] = {0, 3, 2, 1, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23, 8};
    for (unsigned reg = 0; reg < x86_64::register_count; ++reg) {
        REQUIRE(file.has(reg));
        CHECK(file[reg] == 0x100 + perf_of_dwarf[reg]);
    }
    CHECK(file.abi() == TaskAbi::x86_64);
}

TEST_CASE("with a register more than perf asks for the others are the same") {
    constexpr std::uint64_t ds = 1u << 12, mask = 0xff0fff | ds;
    CfiBytes values, usual;
    for (unsigned number = 0; number < 24; ++number) {
        if (((mask >> number) & 1) == 0) continue;
        const std::uint64_t value = number % 3 == 0 ? ~std::uint64_t{0} : 0x200 + number;
        values.u64(value);
        if (number != 12) usual.u64(value);
    }
    const RegisterFile more = x86_64::registers_from_sample(view_of(values, mask));
    const RegisterFile same = x86_64::registers_from_sample(view_of(usual));
    REQUIRE(more.valid_mask() == same.valid_mask());
    for (unsigned reg = 0; reg < x86_64::register_count; ++reg) {
        if (more.has(reg)) CHECK(more[reg] == same[reg]);
    }
}

TEST_CASE("registers outside the mask, or beyond the values there are, stay unknown") {
    const CfiBytes three = CfiBytes().u64(1).u64(2).u64(3);
    const RegisterFile sp_ip = x86_64::registers_from_sample(view_of(three, 1u << 7 | 1u << 8));
    CHECK(sp_ip.valid_mask() == (1u << x86_64::rsp | 1u << x86_64::return_address));
    const RegisterFile cut = x86_64::registers_from_sample(view_of(three));
    CHECK(cut.valid_mask() == (1u << x86_64::rax | 1u << x86_64::rbx | 1u << x86_64::rcx));
    const RegisterFile foreign =
        x86_64::registers_from_sample(view_of(three, ~std::uint64_t{0} << 32));
    CHECK(foreign.valid_mask() == 0);
}

TEST_CASE("what an NMI could not see is unknown: rbx and r12-r15 of all ones") {
    CfiBytes ones;
    for (unsigned i = 0; i < 20; ++i) ones.u64(~std::uint64_t{0});
    const RegisterFile file = x86_64::registers_from_sample(view_of(ones));
    CHECK_FALSE(file.has(x86_64::rbx));
    for (unsigned reg = x86_64::r12; reg <= x86_64::r15; ++reg) CHECK_FALSE(file.has(reg));
    CHECK(file.has(x86_64::rbp));
    CHECK(file.has(x86_64::rax));
}

TEST_CASE("no registers were recorded") {
    const RegisterFile file = x86_64::registers_from_sample({});
    CHECK(file.valid_mask() == 0);
}

TEST_CASE("the fast form steps as the rule says") {
    const FastRule fast = x86_64::make_fast_rule(usual_rule());
    REQUIRE(fast.usable());
    CHECK(fast.depth == 3);
    const CfiBytes dump = CfiBytes().u64(0).u64(0xb).u64(0xbb).u64(0x401000);
    const StackMemory stack(Avma{0x7000}, dump.view());
    RegisterFile file;
    file.set(x86_64::rsp, 0x7000);
    file.set(x86_64::rax, 1);
    file.set(x86_64::r12, 12);
    REQUIRE(x86_64::fast_step(fast, stack, file));
    CHECK(file[x86_64::return_address] == 0x401000);
    CHECK(file[x86_64::rsp] == 0x7020);
    CHECK(file[x86_64::rbx] == 0xb);
    CHECK(file[x86_64::rbp] == 0xbb);
    CHECK(file[x86_64::r12] == 12);
    CHECK_FALSE(file.has(x86_64::rax));
    CHECK_FALSE(file.has(x86_64::r12 + 1));
}

TEST_CASE("the fast form gives up, changing nothing, where a word is missing") {
    const FastRule fast = x86_64::make_fast_rule(usual_rule());
    const CfiBytes dump = CfiBytes().u64(0).u64(0xb).u64(0xbb).u64(0x401000);
    const StackMemory stack(Avma{0x7000}, dump.view());
    for (const std::uint64_t sp : {0x7001u, 0x7008u, 0x6ff0u, 0u}) {
        RegisterFile file;
        file.set(x86_64::rsp, sp);
        CHECK_FALSE(x86_64::fast_step(fast, stack, file));
        CHECK(file[x86_64::rsp] == sp);
        CHECK(file.valid_mask() == 1u << x86_64::rsp);
    }
    RegisterFile unknown;
    CHECK_FALSE(x86_64::fast_step(fast, stack, unknown));
}

TEST_CASE("of a dump's words those are covered that are whole") {
    const CfiBytes dump = CfiBytes().u64(0x1111).u64(0x2222).u8(0x33);
    const StackWords words(StackMemory(Avma{0x7000}, dump.view()));
    for (const std::uint64_t address : {0x7000u, 0x7001u, 0x7008u, 0x7009u}) {
        CHECK(words.covers(address));
    }
    for (const std::uint64_t address : {0x700au, 0x7011u, 0x6fffu, 0u}) {
        CHECK_FALSE(words.covers(address));
        CHECK_FALSE(words.says(address, 0));
    }
    CHECK_FALSE(words.covers(~std::uint64_t{0}));
    CHECK(words.at(0x7008) == 0x2222);
    CHECK(words.says(0x7000, 0x1111));
    CHECK_FALSE(words.says(0x7000, 0x1112));
    const CfiBytes less = CfiBytes().u32(1);
    CHECK_FALSE(StackWords(StackMemory(Avma{0x7000}, less.view())).covers(0x7000));
    CHECK_FALSE(StackWords(StackMemory()).covers(0));
}

TEST_CASE("rules of any other form have no fast form") {
    CHECK(x86_64::make_fast_rule(usual_rule()).usable());
    const auto fast_with = [](auto change) {
        UnwindRule changed = usual_rule();
        change(changed);
        return x86_64::make_fast_rule(changed).usable();
    };
    CHECK_FALSE(fast_with([](UnwindRule& r) { r.signal_frame = true; }));
    CHECK_FALSE(fast_with([](UnwindRule& r) { r.return_address = 5; }));
    CHECK_FALSE(fast_with([](UnwindRule& r) { r.cfa.kind = RuleKind::is_expression; }));
    CHECK_FALSE(fast_with([](UnwindRule& r) { r.cfa.source = 0xffff; }));
    CHECK_FALSE(fast_with([](UnwindRule& r) { r.cfa.offset = std::int64_t{1} << 31; }));
    CHECK_FALSE(fast_with([](UnwindRule& r) { r.registers.pop_back(); }));
    CHECK_FALSE(fast_with([](UnwindRule& r) { r.registers[2].rule.kind = RuleKind::undefined; }));
    CHECK_FALSE(fast_with([](UnwindRule& r) { r.registers[2].rule.offset = -16; }));
    CHECK_FALSE(fast_with([](UnwindRule& r) { r.registers[0].rule.offset = -20; }));
    CHECK_FALSE(fast_with([](UnwindRule& r) { r.registers[0].rule.offset = 8; }));
    CHECK_FALSE(fast_with([](UnwindRule& r) { r.registers[0].rule.offset = -8 * 256; }));
    CHECK_FALSE(fast_with([](UnwindRule& r) { r.registers[0].reg = x86_64::rax; }));
    CHECK_FALSE(fast_with([](UnwindRule& r) { r.registers[0].rule.kind = RuleKind::cfa_offset; }));
}

TEST_CASE("a callee-saved register that keeps its value needs no place in the fast form") {
    UnwindRule kept = usual_rule();
    kept.registers[0].rule = rule(RuleKind::same_value);
    const FastRule fast = x86_64::make_fast_rule(kept);
    REQUIRE(fast.usable());
    CHECK(fast.depth == 2);
}
