#include "unwind/x86_64.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "unwind/architecture.h"

namespace fgread::x86_64 {
namespace {

constexpr unsigned not_tracked = RegisterFile::capacity;

// AX BX CX DX SI DI BP SP IP FLAGS CS SS DS ES FS GS R8-R15 by perf number.
constexpr std::array<unsigned, 24> dwarf_of_perf = {rax,         rbx,         rcx,
                                                    rdx,         rsi,         rdi,
                                                    rbp,         rsp,         return_address,
                                                    not_tracked, not_tracked, not_tracked,
                                                    not_tracked, not_tracked, not_tracked,
                                                    not_tracked, r8,          r8 + 1,
                                                    r8 + 2,      r8 + 3,      r12,
                                                    r12 + 1,     r12 + 2,     r15};

constexpr std::uint64_t hidden_from_nmi = (1u << rbx) | (0xfu << r12);

bool is_hidden(unsigned reg, std::uint64_t value) {
    return ((hidden_from_nmi >> reg) & 1) && value == ~std::uint64_t{0};
}

// What perf record asks for, all but four segments: without a loop it is a fifth of the
// instructions.
constexpr std::uint64_t usual_mask = 0xff0fff;
constexpr auto usual_registers = [] {
    std::array<unsigned, std::popcount(usual_mask)> registers{};
    std::size_t place = 0;
    for (std::size_t number = 0; number < dwarf_of_perf.size(); ++number) {
        if ((usual_mask >> number) & 1) registers[place++] = dwarf_of_perf[number];
    }
    return registers;
}();

template <unsigned reg>
void take(std::uint64_t value, RegisterFile& registers) {
    if constexpr (reg != not_tracked) {
        registers.set(reg, value);
        if (is_hidden(reg, value)) registers.forget(reg);
    }
}

template <std::size_t... places>
void take_usual(const U64View& values, RegisterFile& registers, std::index_sequence<places...>) {
    (take<usual_registers[places]>(values[places], registers), ...);
}

// Distance below the CFA in words, if `rule` is a save slot that a FastRule can name; else 0.
unsigned slot_distance(const RegisterRule& rule) {
    if (rule.kind != RuleKind::at_cfa || rule.offset >= 0 || rule.offset % 8 != 0) return 0;
    return rule.offset >= -8 * 255 ? static_cast<unsigned>(-rule.offset / 8) : 0;
}

bool is_callee_saved(unsigned reg) { return reg <= r15 && ((callee_saved >> reg) & 1); }

}  // namespace

RegisterFile registers_from_sample(const RegsView& regs) {
    RegisterFile result;
    if (regs.mask == usual_mask && regs.values.size() == usual_registers.size()) {
        take_usual(regs.values, result, std::make_index_sequence<usual_registers.size()>());
        return result;
    }
    std::size_t place = 0;
    for (std::uint64_t left = regs.mask; left != 0 && place < regs.values.size();
         left &= left - 1, ++place) {
        const auto number = static_cast<unsigned>(std::countr_zero(left));
        if (number >= dwarf_of_perf.size() || dwarf_of_perf[number] == not_tracked) continue;
        const unsigned reg = dwarf_of_perf[number];
        const std::uint64_t value = regs.values[place];
        if (!is_hidden(reg, value)) result.set(reg, value);
    }
    return result;
}

FastRule make_fast_rule(const UnwindRule& rule) {
    FastRule fast;
    if (rule.signal_frame || rule.return_address != return_address ||
        rule.cfa.kind != RuleKind::in_register || rule.cfa.source > r15 ||
        rule.cfa.offset != static_cast<std::int32_t>(rule.cfa.offset) ||
        slot_distance(rule.rule_of(return_address)) != 1) {
        return {};
    }
    fast.depth = 1;
    fast.saved.fill(return_address);
    fast.distance.fill(1);
    std::size_t count = 0;
    for (const NumberedRule& entry : rule.registers) {
        if (entry.reg == return_address || entry.rule.kind == RuleKind::unspecified) continue;
        if (!is_callee_saved(entry.reg)) return {};
        if (entry.rule.kind == RuleKind::same_value) continue;
        const unsigned distance = slot_distance(entry.rule);
        if (distance == 0) return {};
        fast.saved[count] = entry.reg;
        fast.distance[count++] = static_cast<std::uint8_t>(distance);
        fast.depth = std::max(fast.depth, static_cast<std::uint8_t>(distance));
    }
    fast.cfa_register = static_cast<std::uint8_t>(rule.cfa.source);
    fast.cfa_offset = static_cast<std::int32_t>(rule.cfa.offset);
    return fast;
}

ShortRule make_short_rule(const UnwindRule& rule) {
    RegisterRule returns_to, sp, fp;
    for (const NumberedRule& entry : rule.registers) {
        if (entry.reg == rule.return_address) returns_to = entry.rule;
        if (entry.reg == rsp) sp = entry.rule;
        if (entry.reg == rbp) fp = entry.rule;
    }
    if (returns_to.kind == RuleKind::undefined) return {ShortRule::no_caller, 0};
    const bool is_usual = !rule.signal_frame && rule.return_address == return_address &&
                          slot_distance(returns_to) == 1 && sp.kind == RuleKind::unspecified;
    const bool has_cfa = rule.cfa.kind == RuleKind::in_register &&
                         (rule.cfa.source == rsp || rule.cfa.source == rbp) &&
                         rule.cfa.offset == static_cast<std::int32_t>(rule.cfa.offset);
    if (!is_usual || !has_cfa) return {};
    ShortRule result{rule.cfa.source == rsp ? ShortRule::from_sp : ShortRule::from_fp, 0};
    if (fp.kind == RuleKind::unspecified || fp.kind == RuleKind::same_value) return result;
    result.fp_distance = static_cast<std::uint8_t>(slot_distance(fp));
    return result.fp_distance != 0 ? result : ShortRule{};
}

}  // namespace fgread::x86_64

namespace fgread {

constexpr Architecture architectures::x86_64{
    .name = "x86-64",
    .registers = {.pc = x86_64::return_address,
                  .stack_pointer = x86_64::rsp,
                  .callee_saved = x86_64::callee_saved},
};

}  // namespace fgread
