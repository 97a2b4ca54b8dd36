#include <doctest/doctest.h>

#include "support/cfi_builder.h"
#include "unwind/step.h"
#include "unwind/x86_64.h"

using namespace fgread;
using fgread::test::CfiBytes;

namespace {

constexpr AbiRegisters abi{x86_64::return_address, x86_64::rsp, x86_64::callee_saved};
constexpr std::uint64_t base = 0x7000;

RegisterRule rule(RuleKind kind, std::int64_t offset = 0, unsigned source = 0) {
    RegisterRule result;
    result.kind = kind;
    result.offset = offset;
    result.source = static_cast<std::uint16_t>(source);
    return result;
}

RegisterRule rule(RuleKind kind, const CfiBytes& expression) {
    RegisterRule result;
    result.kind = kind;
    result.expression = expression.view();
    return result;
}

// CFA = rsp + 16, return address in the word below it: 0x401008, in a dump of words 0x401000 + n
// * 8.
class StepCase {
public:
    StepCase() {
        for (unsigned i = 0; i < 32; ++i) dump_.u64(0x401000 + i * 8);
        for (unsigned reg = 0; reg < x86_64::register_count; ++reg) registers.set(reg, 0x900 + reg);
        registers.set(x86_64::rsp, base);
        rule_.return_address = x86_64::return_address;
        rule_.cfa = rule(RuleKind::in_register, 16, x86_64::rsp);
        set(x86_64::return_address, rule(RuleKind::at_cfa, -8));
    }

    StepCase& cfa(const RegisterRule& value) {
        rule_.cfa = value;
        return *this;
    }
    StepCase& set(unsigned reg, const RegisterRule& value) {
        std::erase_if(rule_.registers, [&](const NumberedRule& entry) { return entry.reg == reg; });
        rule_.registers.push_back({static_cast<std::uint8_t>(reg), value});
        return *this;
    }
    StepStatus step() {
        const StackMemory stack(Avma{base}, dump_.view());
        return fgread::step(rule_, abi, FrameMemory(stack), registers);
    }

    RegisterFile registers;
    UnwindRule rule_;

private:
    CfiBytes dump_;
};

}  // namespace

TEST_CASE("where CFI is silent the ABI decides") {
    StepCase frame;
    REQUIRE(frame.step() == StepStatus::ok);
    CHECK(frame.registers[x86_64::return_address] == 0x401008);
    CHECK(frame.registers[x86_64::rsp] == base + 16);
    for (const unsigned kept : {3u, 6u, 12u, 13u, 14u, 15u}) {
        CHECK(frame.registers[kept] == 0x900 + kept);
    }
    for (const unsigned lost : {0u, 1u, 2u, 4u, 5u, 8u, 9u, 10u, 11u}) {
        CHECK_FALSE(frame.registers.has(lost));
    }
}

TEST_CASE("every rule of a register") {
    const CfiBytes plus_8{0x23, 8};
    StepCase frame;
    frame.set(x86_64::rax, rule(RuleKind::at_cfa, 8));
    frame.set(x86_64::rcx, rule(RuleKind::cfa_offset, 8));
    frame.set(x86_64::rdx, rule(RuleKind::same_value));
    frame.set(x86_64::rbx, rule(RuleKind::undefined));
    frame.set(x86_64::rsi, rule(RuleKind::in_register, 0, x86_64::rdi));
    frame.set(x86_64::r8, rule(RuleKind::at_expression, plus_8));
    frame.set(x86_64::r12, rule(RuleKind::is_expression, plus_8));
    frame.set(x86_64::r15, rule(RuleKind::unspecified));
    REQUIRE(frame.step() == StepStatus::ok);
    CHECK(frame.registers[x86_64::rax] == 0x401018);
    CHECK(frame.registers[x86_64::rcx] == base + 24);
    CHECK(frame.registers[x86_64::rdx] == 0x901);
    CHECK_FALSE(frame.registers.has(x86_64::rbx));
    CHECK(frame.registers[x86_64::rsi] == 0x905);
    CHECK(frame.registers[x86_64::r8] == 0x401018);
    CHECK(frame.registers[x86_64::r12] == base + 24);
    CHECK(frame.registers[x86_64::r15] == 0x90f);
}

TEST_CASE("rules read the callee's registers, in whatever order they are listed") {
    StepCase frame;
    frame.set(x86_64::rbx, rule(RuleKind::in_register, 0, x86_64::rbp));
    frame.set(x86_64::rbp, rule(RuleKind::in_register, 0, x86_64::rbx));
    REQUIRE(frame.step() == StepStatus::ok);
    CHECK(frame.registers[x86_64::rbx] == 0x906);
    CHECK(frame.registers[x86_64::rbp] == 0x903);
}

TEST_CASE("an explicit rule for the stack pointer wins over the CFA") {
    StepCase frame;
    frame.set(x86_64::rsp, rule(RuleKind::cfa_offset, 0x40));
    REQUIRE(frame.step() == StepStatus::ok);
    CHECK(frame.registers[x86_64::rsp] == base + 0x50);
}

// vfork of glibc pops its return address into rdi: the child must not overwrite it.
TEST_CASE("a return address in a register") {
    StepCase frame;
    frame.cfa(rule(RuleKind::in_register, 0, x86_64::rsp));
    frame.set(x86_64::return_address, rule(RuleKind::in_register, 0, x86_64::rdi));
    REQUIRE(frame.step() == StepStatus::ok);
    CHECK(frame.registers[x86_64::return_address] == 0x905);
    CHECK(frame.registers[x86_64::rsp] == base);
}

// gcc realigns the stack: lea 8(%rsp),%r10; and $-32,%rsp; push -8(%r10); ... push %r10
TEST_CASE("a realigned frame: the CFA is saved in the frame and read through rbp") {
    const CfiBytes saved_r10{0x76, 0x78, 0x06};  // breg6 -8, deref
    StepCase frame;
    frame.registers.set(x86_64::rbp, base + 0x10);  // the word at base + 8 is 0x401008
    frame.cfa(rule(RuleKind::is_expression, saved_r10));
    frame.set(x86_64::return_address, rule(RuleKind::in_register, 0, x86_64::rdi));
    REQUIRE(frame.step() == StepStatus::ok);
    CHECK(frame.registers[x86_64::rsp] == 0x401008);

    StepCase early;
    early.registers.set(10, base + 0x20);
    early.cfa(rule(RuleKind::in_register, 0, 10));
    REQUIRE(early.step() == StepStatus::ok);
    CHECK(early.registers[x86_64::rsp] == base + 0x20);
}

TEST_CASE("an undefined return address is the outermost frame, whatever the CFA") {
    StepCase frame;
    frame.cfa({});
    frame.set(x86_64::return_address, rule(RuleKind::undefined));
    CHECK(frame.step() == StepStatus::outermost);
    CHECK(frame.registers[x86_64::rsp] == base);
}

TEST_CASE("a CFA or return address that cannot be had, and why") {
    CHECK(StepCase().cfa({}).step() == StepStatus::unsupported);
    CHECK(StepCase().cfa(rule(RuleKind::undefined)).step() == StepStatus::unsupported);
    const CfiBytes call{0x98, 0, 0};
    CHECK(StepCase().cfa(rule(RuleKind::is_expression, call)).step() == StepStatus::unsupported);
    CHECK(StepCase().cfa(rule(RuleKind::in_register, 0, 33)).step() == StepStatus::bad_memory);
    CHECK(StepCase().cfa(rule(RuleKind::in_register, 0, 0xffff)).step() == StepStatus::bad_memory);
    CHECK(StepCase().cfa(rule(RuleKind::in_register, 0x1000, 7)).step() == StepStatus::truncated);
    CHECK(StepCase().cfa(rule(RuleKind::in_register, 0, 7)).step() == StepStatus::bad_memory);
    CHECK(StepCase().set(16, {}).step() == StepStatus::unsupported);
}

TEST_CASE("a register that cannot be read is lost, but the walk goes on") {
    StepCase frame;
    frame.set(x86_64::rbx, rule(RuleKind::at_cfa, 0x10000));
    frame.set(x86_64::rbp, rule(RuleKind::at_cfa, -0x10000));
    REQUIRE(frame.step() == StepStatus::ok);
    CHECK_FALSE(frame.registers.has(x86_64::rbx));
    CHECK_FALSE(frame.registers.has(x86_64::rbp));
}

TEST_CASE("a failed step changes nothing") {
    StepCase frame;
    frame.cfa(rule(RuleKind::in_register, 0x1000, 7));
    CHECK(frame.step() == StepStatus::truncated);
    CHECK(frame.registers[x86_64::rsp] == base);
    CHECK(frame.registers.has(x86_64::rax));
}
