#include <doctest/doctest.h>

#include <vector>

#include "support/cfi_builder.h"
#include "unwind/dwarf_constants.h"
#include "unwind/dwarf_expr.h"
#include "unwind/static_modules.h"

using namespace fgread;
using namespace fgread::dwarf;
using fgread::test::CfiBytes;

namespace {

constexpr std::uint64_t dump_base = 0x7ff0;

RegisterFile registers() {
    RegisterFile file;
    file.set(7, dump_base);
    file.set(16, 0x401234);
    file.set(31, 99);
    return file;
}

EvalResult evaluate(const CfiBytes& expression, std::optional<std::uint64_t> initial = {}) {
    const CfiBytes dump = CfiBytes().u64(0x1122334455667788).u64(0xfedcba9876543210);
    const StackMemory stack(Avma{dump_base}, dump.view());
    const FrameMemory memory(stack, nullptr, {}, 0x400000);
    return evaluate_expression(expression.view(), registers(), memory, initial);
}

std::uint64_t value_of(const CfiBytes& expression, std::optional<std::uint64_t> initial = {}) {
    const EvalResult result = evaluate(expression, initial);
    REQUIRE(result.ok());
    return result.value;
}

// `left op right`
std::uint64_t binary(std::int64_t left, unsigned op, std::int64_t right) {
    return value_of(CfiBytes().u8(op_consts).sleb(left).u8(op_consts).sleb(right).u8(op));
}

constexpr std::uint64_t neg(std::uint64_t value) { return 0 - value; }

bool unsupported(const CfiBytes& expression) {
    return evaluate(expression).status == EvalStatus::unsupported;
}

}  // namespace

TEST_CASE("constants keep their sign") {
    CHECK(value_of({op_lit0}) == 0);
    CHECK(value_of({op_lit31}) == 31);
    CHECK(value_of({op_const1u, 0xff}) == 0xff);
    CHECK(value_of({op_const1s, 0xff}) == neg(1));
    CHECK(value_of(CfiBytes{op_const2u}.u16(0xfffe)) == 0xfffe);
    CHECK(value_of(CfiBytes{op_const2s}.u16(0xfffe)) == neg(2));
    CHECK(value_of(CfiBytes{op_const4u}.u32(0xfffffffe)) == 0xfffffffe);
    CHECK(value_of(CfiBytes{op_const4s}.u32(0xfffffffe)) == neg(2));
    CHECK(value_of(CfiBytes{op_const8u}.u64(0x123456789abcdef0)) == 0x123456789abcdef0);
    CHECK(value_of(CfiBytes{op_const8s}.u64(neg(5))) == neg(5));
    CHECK(value_of(CfiBytes{op_constu}.uleb(100000)) == 100000);
    CHECK(value_of(CfiBytes{op_consts}.sleb(-100000)) == neg(100000));
}

TEST_CASE("an address of the module gets the module's bias") {
    CHECK(value_of(CfiBytes{op_addr}.u64(0x1000)) == 0x401000);
}

TEST_CASE("registers plus an offset") {
    CHECK(value_of(CfiBytes{op_breg0 + 7}.sleb(-16)) == dump_base - 16);
    CHECK(value_of(CfiBytes{op_breg31}.sleb(1)) == 100);
    CHECK(value_of(CfiBytes{op_bregx}.uleb(16).sleb(0)) == 0x401234);
}

TEST_CASE("a register whose value is not known cannot be read through") {
    CHECK(evaluate(CfiBytes{op_breg0}.sleb(0)).status == EvalStatus::bad_memory);
    CHECK(evaluate(CfiBytes{op_bregx}.uleb(0x8000000).sleb(0)).status == EvalStatus::bad_memory);
}

TEST_CASE("the initial value is on the stack first") {
    CHECK(value_of(CfiBytes{}, 0x7000) == 0x7000);
    CHECK(value_of(CfiBytes{op_plus_uconst, 8}, 0x7000) == 0x7008);
}

TEST_CASE("moving slots") {
    const CfiBytes one_two_three{op_lit0 + 1, op_lit0 + 2, op_lit0 + 3};
    const auto top_after = [&](const CfiBytes& ops) {
        return value_of(CfiBytes(one_two_three).add(ops));
    };
    CHECK(top_after({op_dup}) == 3);
    CHECK(top_after({op_drop}) == 2);
    CHECK(top_after({op_over}) == 2);
    CHECK(top_after({op_pick, 2}) == 1);
    CHECK(top_after({op_pick, 0}) == 3);
    CHECK(top_after({op_swap}) == 2);
    CHECK(top_after({op_swap, op_drop}) == 3);
    CHECK(top_after({op_rot}) == 2);
    CHECK(top_after({op_rot, op_drop}) == 1);
    CHECK(top_after({op_rot, op_drop, op_drop}) == 3);
}

TEST_CASE("arithmetic is modulo 2^64, division signed, remainder unsigned") {
    CHECK(binary(0xff, op_and, 0x0f) == 0x0f);
    CHECK(binary(0xf0, op_or, 0x0f) == 0xff);
    CHECK(binary(0xff, op_xor, 0x0f) == 0xf0);
    CHECK(binary(7, op_plus, -9) == neg(2));
    CHECK(binary(7, op_minus, 9) == neg(2));
    CHECK(binary(7, op_mul, -3) == neg(21));
    CHECK(binary(-7, op_div, 2) == neg(3));
    CHECK(binary(-7, op_mod, 16) == 9);
    CHECK(binary(INT64_MIN, op_div, -1) == std::uint64_t{1} << 63);
    CHECK(value_of({op_lit0 + 5, op_neg}) == neg(5));
    CHECK(value_of({op_lit0 + 5, op_neg, op_abs}) == 5);
    CHECK(value_of({op_lit0 + 5, op_abs}) == 5);
    CHECK(value_of({op_lit0, op_not}) == neg(1));
    CHECK(value_of(CfiBytes{op_lit0 + 5, op_plus_uconst}.uleb(1000)) == 1005);
}

TEST_CASE("shifts by the width or more are defined") {
    CHECK(binary(1, op_shl, 4) == 16);
    CHECK(binary(1, op_shl, 64) == 0);
    CHECK(binary(-16, op_shr, 60) == 15);
    CHECK(binary(-16, op_shr, 64) == 0);
    CHECK(binary(-16, op_shra, 2) == neg(4));
    CHECK(binary(-16, op_shra, 64) == neg(1));
    CHECK(binary(16, op_shra, -1) == 0);
}

TEST_CASE("comparisons are signed") {
    CHECK(binary(-1, op_lt, 1) == 1);
    CHECK(binary(-1, op_gt, 1) == 0);
    CHECK(binary(2, op_ge, 2) == 1);
    CHECK(binary(2, op_le, 1) == 0);
    CHECK(binary(2, op_eq, 2) == 1);
    CHECK(binary(2, op_ne, 2) == 0);
}

TEST_CASE("division by zero ends the evaluation") {
    CHECK(unsupported({op_lit0 + 1, op_lit0, op_div}));
    CHECK(unsupported({op_lit0 + 1, op_lit0, op_mod}));
}

TEST_CASE("memory is read from the dump, whole words and parts") {
    const CfiBytes rsp = CfiBytes{op_breg0 + 7}.sleb(0);
    CHECK(value_of(CfiBytes(rsp).u8(op_deref)) == 0x1122334455667788);
    CHECK(value_of(CfiBytes(rsp).add({op_deref_size, 4})) == 0x55667788);
    CHECK(value_of(CfiBytes(rsp).add({op_deref_size, 1})) == 0x88);
    CHECK(value_of(CfiBytes{op_breg0 + 7}.sleb(15).add({op_deref_size, 1})) == 0xfe);
    CHECK(unsupported(CfiBytes(rsp).add({op_deref_size, 0})));
    CHECK(unsupported(CfiBytes(rsp).add({op_deref_size, 9})));
}

TEST_CASE("reads above the dump are told from reads elsewhere") {
    const auto status = [](std::int64_t offset) {
        return evaluate(CfiBytes{op_breg0 + 7}.sleb(offset).u8(op_deref)).status;
    };
    CHECK(status(8) == EvalStatus::ok);
    CHECK(status(9) == EvalStatus::truncated);  // begins inside, ends outside
    CHECK(status(16) == EvalStatus::truncated);
    CHECK(status(15 + std::int64_t{FrameMemory::stack_reach}) == EvalStatus::truncated);
    CHECK(status(16 + std::int64_t{FrameMemory::stack_reach}) == EvalStatus::bad_memory);
    CHECK(status(-1) == EvalStatus::bad_memory);
    CHECK(status(-8) == EvalStatus::bad_memory);
}

TEST_CASE("read-only data of the frame's own module can be read") {
    StaticModules modules;
    const ModuleId module = modules.add({});
    const CfiBytes rodata = CfiBytes().u64(0x1111222233334444);
    modules.add_memory(module, Svma{0x2000}, rodata.view());
    const StackMemory stack;
    const FrameMemory memory(stack, &modules, module, 0x400000);
    const auto read = [&](const CfiBytes& ops) {
        return evaluate_expression(CfiBytes{op_addr}.u64(0x2000).add(ops).view(), {}, memory, {});
    };
    CHECK(read({op_deref}).value == 0x1111222233334444);
    CHECK(read({op_deref_size, 2}).value == 0x4444);
    CHECK(read({op_lit0 + 8, op_plus, op_deref}).status == EvalStatus::bad_memory);
}

TEST_CASE("branches go both ways") {
    // A loop: 3, 2, 1, 0 and out.
    CHECK(value_of(CfiBytes{op_lit0 + 3, op_lit0 + 1, op_minus, op_dup, op_bra}.u16(0xfffa)) == 0);
    CHECK(value_of(CfiBytes{op_lit0 + 9, op_skip}.u16(1).u8(0xff)) == 9);
    CHECK(value_of(CfiBytes{op_lit0 + 9, op_lit0, op_bra}.u16(1).u8(op_lit0 + 7)) == 7);
    CHECK(value_of(CfiBytes{op_lit0 + 9, op_nop}) == 9);
}

TEST_CASE("branches out of the expression are refused, one to its end is not") {
    CHECK(value_of(CfiBytes{op_lit0 + 9, op_skip}.u16(1).u8(op_lit0)) == 9);
    CHECK(unsupported(CfiBytes{op_lit0 + 9, op_skip}.u16(2).u8(op_lit0)));
    CHECK(unsupported(CfiBytes{op_lit0 + 9, op_skip}.u16(0xfffb)));
    CHECK(unsupported(CfiBytes{op_lit0 + 9, op_skip, 0}));
}

TEST_CASE("endless loops and deep stacks end") {
    CHECK(unsupported(CfiBytes{op_lit0, op_skip}.u16(0xfffd)));
    CfiBytes deep;
    for (std::size_t i = 0; i < max_expression_stack; ++i) deep.u8(op_lit0 + 1);
    CHECK(value_of(deep) == 1);
    CHECK(unsupported(deep.u8(op_lit0)));
}

TEST_CASE("an expression that takes more than there is fails") {
    CHECK(unsupported(CfiBytes{}));
    CHECK(unsupported({op_lit0, op_drop}));
    for (const unsigned op :
         {unsigned{op_dup}, unsigned{op_over}, unsigned{op_swap}, unsigned{op_plus},
          unsigned{op_deref}, unsigned{op_neg}, unsigned{op_eq}, unsigned{op_rot}}) {
        CHECK(unsupported({op}));
    }
    CHECK(unsupported({op_lit0, op_pick, 1}));
    CHECK(unsupported({op_const4u, 1, 2}));
}

TEST_CASE("operations without meaning in call-frame information are unsupported") {
    for (const unsigned op :
         {0x50u /* reg0 */, 0x91u /* fbreg */, 0x93u /* piece */, 0x97u /* push_object_address */,
          0x98u /* call2 */, 0x9cu /* call_frame_cfa */, 0xa3u /* entry_value */, 0xe0u, 0xffu}) {
        CHECK(unsupported({op_lit0, op, 0, 0, 0, 0}));
    }
}

// .plt of GNU ld and lld: rsp + 8, or + 16 after the push at byte 11 of each 16-byte entry.
TEST_CASE("the CFA of a PLT entry") {
    const CfiBytes plt =
        CfiBytes{op_breg0 + 7}
            .sleb(8)
            .u8(op_breg0 + 16)
            .sleb(0)
            .add({op_lit0 + 15, op_and, op_lit0 + 11, op_ge, op_lit0 + 3, op_shl, op_plus});
    const auto cfa_at = [&](std::uint64_t pc) {
        const StackMemory stack;
        RegisterFile file = registers();
        file.set(16, pc);
        return evaluate_expression(plt.view(), file, FrameMemory(stack), {}).value;
    };
    CHECK(cfa_at(0x401020) == dump_base + 8);
    CHECK(cfa_at(0x40102a) == dump_base + 8);
    CHECK(cfa_at(0x40102b) == dump_base + 16);
}
