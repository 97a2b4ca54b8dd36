#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <initializer_list>

#include "unwind/frame_memory.h"
#include "unwind/step.h"
#include "unwind/x86_64.h"

using namespace fgread;

namespace {

std::array<std::uint64_t, 2> code(std::initializer_list<unsigned> bytes) {
    std::array<std::uint64_t, 2> words{0x9090909090909090, 0x9090909090909090};
    unsigned at = 0;
    for (const unsigned byte : bytes) {
        std::uint64_t& word = words[at / 8];
        const unsigned shift = at % 8 * 8;
        word = (word & ~(std::uint64_t{0xff} << shift)) | (std::uint64_t{byte} << shift);
        ++at;
    }
    return words;
}

constexpr AbiRegisters abi{x86_64::return_address, x86_64::rsp, x86_64::callee_saved};
constexpr std::uint64_t sp = 0x7ffd00001000;

// As gcc leaves it at the `ret` behind `pop rbp`: rbp is said to be at CFA - 16, below rsp.
UnwindRule rule_at_ret() {
    UnwindRule rule;
    rule.return_address = x86_64::return_address;
    rule.cfa = {RuleKind::in_register, x86_64::rsp, 8, {}};
    rule.registers = {{x86_64::rbp, {RuleKind::at_cfa, 0, -16, {}}},
                      {x86_64::return_address, {RuleKind::at_cfa, 0, -8, {}}}};
    return rule;
}

}  // namespace

TEST_CASE("pops and a return are an epilogue") {
    CHECK(x86_64::is_epilogue(code({0xc3})));
    CHECK(x86_64::is_epilogue(code({0x5d, 0xc3})));                      // pop rbp
    CHECK(x86_64::is_epilogue(code({0x5b, 0x5d, 0x41, 0x5c, 0x41, 0x5d,  // rbx rbp r12 r13
                                    0x41, 0x5e, 0x41, 0x5f, 0xc3})));    // r14 r15
    CHECK(x86_64::is_epilogue(code({0xc2, 0x08, 0x00})));                // ret 8
    CHECK(x86_64::is_epilogue(code({0xf3, 0xc3})));                      // rep ret
    CHECK(x86_64::is_epilogue(code({0x5d, 0xf2, 0xc3})));                // bnd ret
}

TEST_CASE("stubs of procedure linkage tables") {
    CHECK(x86_64::is_stub(code({0xff, 0x25, 1, 2, 3, 4})));                          // jmp
    CHECK(x86_64::is_stub(code({0xf2, 0xff, 0x25, 1, 2, 3, 4})));                    // bnd jmp
    CHECK(x86_64::is_stub(code({0xf3, 0x0f, 0x1e, 0xfa, 0xff, 0x25, 1, 2, 3, 4})));  // with IBT
    CHECK(x86_64::is_stub(code({0x68, 1, 0, 0, 0, 0xe9, 1, 2, 3, 4})));              // push, jmp
    CHECK(x86_64::is_stub(code({0xf3, 0x0f, 0x1e, 0xfa, 0x68, 1, 0, 0, 0, 0xf2, 0xe9})));
    CHECK_FALSE(x86_64::is_stub(code({0xe9, 1, 2, 3, 4})));  // something may have been pushed
    CHECK_FALSE(x86_64::is_stub(code({0x68, 1, 0, 0, 0, 0xc3})));
    CHECK_FALSE(x86_64::is_stub(code({0xff, 0x15, 1, 2, 3, 4})));  // call
}

TEST_CASE("other code is no epilogue") {
    CHECK_FALSE(x86_64::is_epilogue(code({0x55})));                    // push rbp
    CHECK_FALSE(x86_64::is_epilogue(code({0x5d, 0xe9, 0, 0, 0, 0})));  // pop rbp; jmp
    CHECK_FALSE(x86_64::is_epilogue(code({0x41, 0x50, 0xc3})));        // push r8; ret
    CHECK_FALSE(x86_64::is_epilogue(code({0xf3, 0x90, 0xc3})));        // pause; ret
    // Sixteen pops without a return in sight.
    CHECK_FALSE(x86_64::is_epilogue(code({0x5d, 0x5d, 0x5d, 0x5d, 0x5d, 0x5d, 0x5d, 0x5d, 0x5d,
                                          0x5d, 0x5d, 0x5d, 0x5d, 0x5d, 0x5d, 0x5d})));
}

TEST_CASE("a register that an epilogue has popped keeps its value") {
    const std::array<std::byte, 8> dump{std::byte{0x34}, std::byte{0x12}};
    const StackMemory stack(Avma{sp}, dump);
    RegisterFile registers;
    registers.set(x86_64::rsp, sp);
    registers.set(x86_64::rbp, 0x5555);

    SUBCASE("among the pops") {
        REQUIRE(step(rule_at_ret(), abi, FrameMemory(stack), registers, true) == StepStatus::ok);
        CHECK(registers.has(x86_64::rbp));
        CHECK(registers[x86_64::rbp] == 0x5555);
        CHECK(registers[x86_64::return_address] == 0x1234);
    }
    SUBCASE("elsewhere it is unknown") {
        REQUIRE(step(rule_at_ret(), abi, FrameMemory(stack), registers, false) == StepStatus::ok);
        CHECK_FALSE(registers.has(x86_64::rbp));
    }
}
