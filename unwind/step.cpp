#include "unwind/step.h"

#include "unwind/dwarf_expr.h"

namespace fgread {
namespace {

StepStatus as_step_status(EvalStatus status) {
    switch (status) {
        case EvalStatus::ok:
            return StepStatus::ok;
        case EvalStatus::truncated:
            return StepStatus::truncated;
        case EvalStatus::bad_memory:
            return StepStatus::bad_memory;
        case EvalStatus::unsupported:
            break;
    }
    return StepStatus::unsupported;
}

EvalResult register_plus(const RegisterFile& registers, const RegisterRule& rule) {
    if (!registers.has(rule.source)) return {0, EvalStatus::bad_memory};
    return {registers[rule.source] + static_cast<std::uint64_t>(rule.offset)};
}

EvalResult find_cfa(const RegisterRule& rule, const RegisterFile& registers,
                    const FrameMemory& memory) {
    switch (rule.kind) {
        case RuleKind::in_register:
            return register_plus(registers, rule);
        case RuleKind::is_expression:
            return evaluate_expression(rule.expression, registers, memory, std::nullopt);
        default:
            return {0, EvalStatus::unsupported};
    }
}

EvalResult evaluate_cfa(const RegisterRule& rule, const RegisterFile& registers,
                        const FrameMemory& memory) {
    EvalResult cfa = find_cfa(rule, registers, memory);
    cfa.value &= memory.words().address_mask;
    return cfa;
}

// The caller's value of register `reg` by a rule that is neither unspecified nor undefined.
EvalResult evaluate_register(const RegisterRule& rule, unsigned reg, std::uint64_t cfa,
                             const RegisterFile& registers, const FrameMemory& memory) {
    const std::uint64_t at = cfa + static_cast<std::uint64_t>(rule.offset);
    switch (rule.kind) {
        case RuleKind::same_value:
            if (!registers.has(reg)) return {0, EvalStatus::bad_memory};
            return {registers[reg]};
        case RuleKind::at_cfa:
            return memory.read(at);
        case RuleKind::cfa_offset:
            return {at};
        case RuleKind::in_register:
            return register_plus(registers, rule);
        case RuleKind::at_expression: {
            const EvalResult address = evaluate_expression(rule.expression, registers, memory, cfa);
            return address.ok() ? memory.read(address.value) : address;
        }
        case RuleKind::is_expression:
            return evaluate_expression(rule.expression, registers, memory, cfa);
        default:
            return {0, EvalStatus::unsupported};
    }
}

// Whether the word that holds the register lies below the stack pointer: it has been popped.
bool is_popped(const RegisterRule& rule, const AbiRegisters& abi, std::uint64_t cfa,
               const RegisterFile& registers) {
    const std::uint64_t at = cfa + static_cast<std::uint64_t>(rule.offset);
    return rule.kind == RuleKind::at_cfa && at < registers[abi.stack_pointer];
}

}  // namespace

StopReason stop_reason_of(StepStatus status) {
    switch (status) {
        case StepStatus::outermost:
            return StopReason::complete;
        case StepStatus::truncated:
            return StopReason::truncated;
        case StepStatus::bad_memory:
            return StopReason::bad_memory;
        default:
            return StopReason::rule_unsupported;
    }
}

StepStatus step(const UnwindRule& rule, const AbiRegisters& abi, const FrameMemory& memory,
                RegisterFile& registers, bool returning) {
    RegisterRule return_address = rule.rule_of(rule.return_address);
    if (abi.has_link_register() && return_address.kind == RuleKind::unspecified) {
        return_address.kind = RuleKind::same_value;
    }
    if (return_address.kind == RuleKind::undefined) return StepStatus::outermost;
    const EvalResult cfa = evaluate_cfa(rule.cfa, registers, memory);
    if (!cfa.ok()) return as_step_status(cfa.status);
    const EvalResult caller_pc =
        evaluate_register(return_address, rule.return_address, cfa.value, registers, memory);
    if (!caller_pc.ok()) return as_step_status(caller_pc.status);

    RegisterFile caller = registers;
    caller.keep_only(abi.callee_saved);
    caller.set(abi.stack_pointer, cfa.value - abi.cfa_above_sp);
    for (const NumberedRule& entry : rule.registers) {
        if (entry.rule.kind == RuleKind::unspecified) continue;
        const EvalResult value =
            evaluate_register(entry.rule, entry.reg, cfa.value, registers, memory);
        if (value.ok()) {
            caller.set(entry.reg, value.value);
        } else if (returning && registers.has(entry.reg) &&
                   is_popped(entry.rule, abi, cfa.value, registers)) {
            caller.set(entry.reg, registers[entry.reg]);
        } else {
            caller.forget(entry.reg);  // undefined comes here too
        }
    }
    // The call has overwritten it; what a signal interrupted may have it still.
    if (abi.has_link_register() && !rule.signal_frame) caller.forget(abi.link_register);
    caller.set(abi.pc, caller_pc.value);
    registers = caller;
    return StepStatus::ok;
}

}  // namespace fgread
