// UnwindRule: how to find the caller's registers from the callee's, at one range of addresses.
// DWARF 5, 6.4.1: one row of the call-frame table. Registers are named by their places in a
// RegisterFile, which mostly are their DWARF numbers.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "perfdata/byte_reader.h"

namespace fgread {

enum class RuleKind : std::uint8_t {
    unspecified,    // CFI says nothing: the ABI decides (callee-saved registers keep their value)
    undefined,      // the caller's value is lost; for the return address: there is no caller
    same_value,     // the caller has what the callee has
    at_cfa,         // saved in memory at CFA + offset
    cfa_offset,     // is CFA + offset
    in_register,    // is the value of register `source`, plus `offset` (0 unless it is the CFA)
    at_expression,  // saved in memory at the address the expression yields; it starts with the CFA
    is_expression,  // is what the expression yields; it starts with the CFA (the CFA's own: empty)
};

// One cell of the table. Fields its kind does not use are 0, so that equal rules compare equal.
struct RegisterRule {
    RuleKind kind = RuleKind::unspecified;
    std::uint16_t source = 0;  // place of a register; beyond RegisterFile::capacity: not tracked
    std::int64_t offset = 0;   // bytes
    ByteView expression;       // in the section's bytes
};

// Compares expressions by their bytes, not by where they are.
[[nodiscard]] bool operator==(const RegisterRule& a, const RegisterRule& b);

struct NumberedRule {
    std::uint8_t reg = 0;  // place of the register, below RegisterFile::capacity
    RegisterRule rule;
    friend bool operator==(const NumberedRule&, const NumberedRule&) = default;
};

// The form 99.9 % of the rows of x86-64 have: CFA = register + offset, return address at CFA - 8,
// some callee-saved registers in the words below. No branch depends on how many: unused places
// restore the return address once more.
struct FastRule {
    static constexpr unsigned max_saved = 6;  // rbx rbp r12 r13 r14 r15
    static constexpr std::uint8_t unusable = 0xff;

    std::int32_t cfa_offset = 0;
    std::uint8_t cfa_register = unusable;
    std::uint8_t depth = 0;  // words below the CFA that are read, return address included
    std::array<std::uint8_t, max_saved> saved{};     // DWARF registers
    std::array<std::uint8_t, max_saved> distance{};  // words below the CFA

    [[nodiscard]] bool usable() const { return cfa_register != unusable; }
};
static_assert(sizeof(FastRule) == 20, "six of it and its key should stay in a cache line or two");

// What is needed to find the callers' pc and stack pointer as long as no CFA is counted from
// another register than these two: the return address is at CFA - 8, whatever becomes of other
// registers.
struct ShortRule {
    enum Kind : std::uint8_t {
        none,       // not so simple
        from_sp,    // the CFA is the stack pointer + the rule's offset, which is of 32 bits
        from_fp,    // the CFA is the frame pointer + that
        no_caller,  // the return address is undefined
    };
    Kind kind = none;
    std::uint8_t fp_distance = 0;  // words below the CFA where the frame pointer is; 0: unchanged
};

// One distinct row. Plain and immutable once published; lives as long as the UnwindTable it
// came from, whose section bytes the expressions view.
struct UnwindRule {
    FastRule fast;                        // unusable(): evaluate the rest
    ShortRule brief;                      // of x86-64; none: `fast`, or the rest
    std::uint8_t return_address = 0;      // the register (column) that holds it
    bool signal_frame = false;            // 'S': the caller was interrupted, it did not call
    bool at_calls_only = false;           // says nothing of prologues and epilogues (ArmExidx)
    RegisterRule cfa;                     // in_register or is_expression; else it cannot be used
    std::vector<NumberedRule> registers;  // ascending; registers not listed are unspecified

    // The rule of one register; unspecified if the row says nothing about it.
    [[nodiscard]] RegisterRule rule_of(unsigned reg) const {
        for (const NumberedRule& entry : registers) {
            if (entry.reg == reg) return entry.rule;
        }
        return {};
    }
};

}  // namespace fgread
