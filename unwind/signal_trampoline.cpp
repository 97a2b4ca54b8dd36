#include "unwind/signal_trampoline.h"

#include <vector>

#include "unwind/dwarf_constants.h"
#include "unwind/x86_64.h"

namespace fgread::x86_64 {
namespace {

// Of struct sigcontext in struct ucontext, to which rsp points: r8 to r15, rdi, rsi, rbp, rbx, rdx,
// rax, rcx, rsp, rip.
constexpr std::uint64_t first_register = 40;
constexpr std::array<std::uint8_t, 17> saved{8,   9,   10,  11,  r12, 13,  14,  r15,           rdi,
                                             rsi, rbp, rbx, rdx, rax, rcx, rsp, return_address};

// DW_OP_breg7 (rsp) + 40 + 8 * place, in two bytes of SLEB128, and a DW_OP_deref to use or not.
using Expression = std::array<std::byte, 4>;

std::array<Expression, saved.size()> make_expressions() {
    std::array<Expression, saved.size()> expressions{};
    for (std::size_t i = 0; i < saved.size(); ++i) {
        const std::uint64_t offset = first_register + 8 * i;
        expressions[i] = {static_cast<std::byte>(dwarf::op_breg0 + rsp),
                          static_cast<std::byte>((offset & 0x7f) | 0x80),
                          static_cast<std::byte>(offset >> 7),
                          static_cast<std::byte>(dwarf::op_deref)};
    }
    return expressions;
}

UnwindRule make_rule(const std::array<Expression, saved.size()>& expressions) {
    constexpr std::size_t without_deref = 3;
    UnwindRule rule;
    rule.return_address = return_address;
    rule.signal_frame = true;
    for (std::uint8_t reg = 0; reg < register_count; ++reg) {
        for (std::size_t i = 0; i < saved.size(); ++i) {
            if (saved[i] != reg) continue;
            const ByteView address = ByteView(expressions[i]).first(without_deref);
            rule.registers.push_back({reg, {RuleKind::at_expression, 0, 0, address}});
            if (reg == rsp) rule.cfa = {RuleKind::is_expression, 0, 0, expressions[i]};
        }
    }
    return rule;
}

}  // namespace

bool is_signal_trampoline(const std::array<std::uint64_t, 2>& code) {
    constexpr std::uint64_t move_eax = 0x0f'00'00'00'0f'b8, syscall = 0x050f;
    if ((code[0] & 0xffff'ffff'ffff) == move_eax) {
        return (((code[0] >> 40) | (code[1] << 24)) & 0xffff) == syscall;
    }
    constexpr std::uint64_t move_rax = 0x0f'00'00'00'0f'c0'c7'48;
    return code[0] == move_rax && (code[1] & 0xff) == syscall >> 8;
}

const UnwindRule& signal_trampoline_rule() {
    static const std::array<Expression, saved.size()> expressions = make_expressions();
    static const UnwindRule rule = make_rule(expressions);
    return rule;
}

}  // namespace fgread::x86_64
