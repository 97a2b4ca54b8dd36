// x86-64: register numbers, and how a sample's registers become a RegisterFile.
// DWARF numbers: System V psABI, figure 3.36. perf numbers: arch/x86/include/uapi/asm/perf_regs.h.
#pragma once

#include <array>
#include <cstdint>

#include "perfdata/sample.h"
#include "unwind/registers.h"
#include "unwind/stack_memory.h"
#include "unwind/unwind_rule.h"

namespace fgread::x86_64 {

inline constexpr unsigned rax = 0, rdx = 1, rcx = 2, rbx = 3, rsi = 4, rdi = 5, rbp = 6, rsp = 7,
                          r8 = 8, r12 = 12, r15 = 15, return_address = 16, register_count = 17;

// Registers a called function must preserve: rbx, rbp, r12-r15 (and rsp, which is the CFA).
inline constexpr std::uint64_t callee_saved = (1u << rbx) | (1u << rbp) | (0xfu << r12);

// What a sample recorded. The pc is stored under return_address. Unknown are registers the mask
// lacks, and rbx and r12-r15 if all ones: that is what the kernel stores when an NMI interrupted
// it and pt_regs did not hold them.
[[nodiscard]] RegisterFile registers_from_sample(const RegsView& regs);

// The fast form of a rule that is as most are; an unusable one for all others.
[[nodiscard]] FastRule make_fast_rule(const UnwindRule& rule);

// What it takes of `rule` to find the caller's pc, rsp and rbp only.
[[nodiscard]] ShortRule make_short_rule(const UnwindRule& rule);

// Steps to the caller as `rule` (usable) says. False, with `registers` untouched, if a word it
// needs was not copied or the CFA's register is not known: step() then finds out which.
[[nodiscard]] inline bool fast_step(const FastRule& rule, const StackMemory& stack,
                                    RegisterFile& registers) {
    if (!registers.has(rule.cfa_register)) return false;
    const std::uint64_t cfa =
        registers[rule.cfa_register] + static_cast<std::uint64_t>(std::int64_t{rule.cfa_offset});
    const std::uint64_t depth = std::uint64_t{rule.depth} * 8;
    if (!stack.covers(cfa - depth, depth)) return false;
    const std::uint64_t caller_pc = stack.word_unchecked(cfa - 8);
    registers.keep_only(callee_saved);
    for (unsigned i = 0; i < FastRule::max_saved; ++i) {
        registers.set(rule.saved[i], stack.word_unchecked(cfa - rule.distance[i] * 8u));
    }
    registers.set(rsp, cfa);
    registers.set(return_address, caller_pc);
    return true;
}

// Whether the code bytes (the first one lowest) are a stub of a procedure linkage table, at one of
// its instructions before it has pushed anything: endbr64, jmp *slot(%rip), push $index. psABI 5.2.
[[nodiscard]] constexpr bool is_stub(const std::array<std::uint64_t, 2>& code) {
    const auto byte = [&](unsigned i) { return (code[i / 8] >> (i % 8 * 8)) & 0xff; };
    unsigned at = (code[0] & 0xffffffff) == 0xfa1e0ff3 ? 4 : 0;
    if (byte(at) == 0x68) {  // push $index, then the jump to the resolver
        at += 5;
        return byte(at) == 0xe9 || (byte(at) == 0xf2 && byte(at + 1) == 0xe9);
    }
    if (byte(at) == 0xf2) ++at;  // bnd
    return byte(at) == 0xff && byte(at + 1) == 0x25;
}

// Whether the 16 code bytes (the first one lowest) are the end of a function: pops, if any, then
// the return. The longest such run, of six callee-saved registers, has 11 bytes.
[[nodiscard]] constexpr bool is_epilogue(const std::array<std::uint64_t, 2>& code) {
    for (unsigned at = 0; at < 15; ++at) {
        const auto byte = [&](unsigned i) { return (code[i / 8] >> (i % 8 * 8)) & 0xff; };
        const std::uint64_t first = byte(at), second = byte(at + 1);
        if (first == 0xc3 || first == 0xc2) return true;
        if (first == 0xf3 || first == 0xf2) return second == 0xc3;  // rep ret, bnd ret
        if (first == 0x41) ++at;                                    // pop r8 to r15
        if ((first == 0x41 ? second : first) >> 3 != 0x58 >> 3) return false;
    }
    return false;
}

}  // namespace fgread::x86_64
