#include "unwind/general_walk.h"

#include <algorithm>
#include <bit>
#include <optional>

#include "unwind/architecture.h"
#include "unwind/step.h"

namespace fgread {
namespace {

// The smallest user address space of aarch64 kernels in use (4 KiB pages, three levels) has 39
// bits. The top byte is no address, and bit 55 tells the kernel's from the user's.
constexpr int least_address_bits = 39, most_address_bits = 55;

// Which bits of a return address say where it is. A signature fills all bits above the addresses a
// process can have, and how many these are the kernel decides (39 to 52): the highest mapping shows
// it, as stack and libraries lie at the top.
std::uint64_t code_mask(const Architecture& arch, SpanCache& spans, std::uint64_t sp) {
    if (!arch.signed_returns) return arch.code_mask;
    const SpanCache::Span& top = spans.find(~std::uint64_t{0} - 1);
    const std::uint64_t highest = top.mapping ? 0 : top.start;
    const auto bits = static_cast<int>(std::bit_width(std::max(sp, highest)));
    const int kept = std::clamp(bits, least_address_bits, most_address_bits);
    return (std::uint64_t{1} << kept) - 1;
}

class Walk {
public:
    Walk(SpanCache& spans, ModuleProvider& provider, const RegisterFile& registers,
         const StackMemory& stack, std::vector<WalkedFrame>& frames)
        : arch_(architecture_of(registers.abi())),
          spans_(spans),
          provider_(provider),
          stack_(stack),
          frames_(frames),
          registers_(registers),
          code_mask_(code_mask(arch_, spans, registers[arch_.registers.stack_pointer])) {}

    StopReason run(std::uint32_t max_frames) {
        FrameKind kind = FrameKind::exact;
        registers_.set(abi_.pc, pc() & code_mask_);
        for (;;) {
            const std::uint64_t before = sp();
            const SpanCache::Span span = enter(kind);
            if (const auto bottom = reason_at_bottom(span.code, kind)) return *bottom;
            const UnwindRule* rule = span.find_rule(lookup(kind));
            const bool may_be_signal = kind == FrameKind::return_address;
            if (may_be_signal && (!rule || rule->signal_frame) && leave_signal(span.code)) {
                kind = FrameKind::exact;
            } else if (rule) {
                const bool anywhere = !rule->at_calls_only || kind == FrameKind::return_address;
                const StepStatus status =
                    anywhere ? leave(*rule, span.code) : leave_innermost(*rule, span.code);
                if (status != StepStatus::ok) return stop_reason_of(status);
                const bool interrupted = rule->signal_frame;
                // A function that was interrupted may not have pushed anything yet; a signal may
                // have come on another stack.
                if (kind == FrameKind::return_address && !interrupted && sp() <= before) {
                    return StopReason::no_progress;
                }
                kind = interrupted ? FrameKind::exact : FrameKind::return_address;
            } else {
                const StopReason reason = span.reason_without_rule(lookup(kind));
                const bool may_be_leaf = reason == StopReason::no_cfi && kind == FrameKind::exact;
                if (!may_be_leaf || !leave_leaf(span.code)) return reason;
                kind = FrameKind::return_address;
            }
            if (pc() == 0) return StopReason::complete;
            if (frames_.size() >= max_frames) return StopReason::frame_limit;
        }
    }

private:
    [[nodiscard]] std::uint64_t pc() const { return registers_[abi_.pc]; }
    [[nodiscard]] std::uint64_t sp() const { return registers_[abi_.stack_pointer]; }
    [[nodiscard]] std::uint64_t lookup(FrameKind kind) const {
        return kind == FrameKind::return_address ? pc() - 1 : pc();
    }

    SpanCache::Span enter(FrameKind kind) {
        const SpanCache::Span& span = spans_.find(lookup(kind));
        frames_.push_back({{span.code.module, kind, pc() - span.code.bias}, {pc()}, {sp()}});
        return span;
    }

    [[nodiscard]] std::optional<StopReason> reason_at_bottom(const CodeMapping& code,
                                                             FrameKind kind) const {
        if (kind != FrameKind::return_address) return std::nullopt;
        const Svma at{lookup(kind) - code.bias};
        for (const StackBottom& bottom : code.bottoms) {
            if (at >= bottom.start && at < bottom.end) return bottom.reason;
        }
        return std::nullopt;
    }

    StepStatus leave(const UnwindRule& rule, const CodeMapping& code) {
        const FrameMemory memory(stack_, &provider_, code.module, code.bias, arch_.words);
        const StepStatus status = step(rule, abi_, memory, registers_);
        if (status == StepStatus::ok) registers_.set(abi_.pc, pc() & code_mask_);
        return status;
    }

    // As leave(), by a rule that holds at calls only. In prologues and epilogues the registers may
    // be pushed and the rest of the frame not made, or gone already, or nothing is pushed. What is
    // believed leads behind a call, and from there on behind another one.
    StepStatus leave_innermost(const UnwindRule& rule, const CodeMapping& code) {
        const FrameMemory memory(stack_, &provider_, code.module, code.bias, arch_.words);
        RegisterFile caller = registers_;
        const StepStatus first = step(rule, abi_, memory, caller);
        if (first == StepStatus::ok && is_caller(caller)) return take(caller);
        UnwindRule pushed = rule;
        pushed.cfa = {RuleKind::in_register,
                      static_cast<std::uint16_t>(abi_.stack_pointer),
                      pushed_bytes(rule),
                      {}};
        caller = registers_;
        if (step(pushed, abi_, memory, caller) == StepStatus::ok && is_caller(caller)) {
            return take(caller);
        }
        const StepStatus by_link = leave_by_link(code);
        const bool cut = by_link != StepStatus::ok && first == StepStatus::truncated;
        return cut ? first : by_link;
    }

    static std::int64_t pushed_bytes(const UnwindRule& rule) {
        std::int64_t lowest = 0;
        for (const NumberedRule& entry : rule.registers) {
            if (entry.rule.kind == RuleKind::at_cfa) lowest = std::min(lowest, entry.rule.offset);
        }
        return -lowest;
    }

    // What the function itself has called leaves an address in the link register that is in it.
    StepStatus leave_by_link(const CodeMapping& code) {
        const auto own = code.table->fde_range(Svma{pc() - code.bias});
        if (!own || !registers_.has(abi_.link_register)) return StepStatus::unsupported;
        const std::uint64_t back = registers_[abi_.link_register];
        const Svma at{(back & code_mask_) - code.bias};
        RegisterFile caller = registers_;
        caller.keep_only(abi_.callee_saved);
        caller.set(abi_.stack_pointer, sp());
        caller.set(abi_.pc, back);
        const bool is_own = at >= own->start && at < own->end;
        return is_own || !is_caller(caller) ? StepStatus::unsupported : take(caller);
    }

    StepStatus take(const RegisterFile& caller) {
        registers_ = caller;
        registers_.set(abi_.pc, caller[abi_.pc] & code_mask_);
        return StepStatus::ok;
    }

    // `caller` has its pc as it was found.
    bool is_caller(RegisterFile caller) {
        if (!is_behind_call(caller[abi_.pc])) return false;
        const std::uint64_t lookup = (caller[abi_.pc] & code_mask_) - 1;
        const SpanCache::Span span = spans_.find(lookup);
        const UnwindRule* rule = span.find_rule(lookup);
        if (!rule) return true;  // nobody knows how to go on
        const FrameMemory memory(stack_, &provider_, span.code.module, span.code.bias, arch_.words);
        const StepStatus status = step(*rule, abi_, memory, caller);
        if (status != StepStatus::ok) {
            return status == StepStatus::outermost || status == StepStatus::truncated;
        }
        return caller[abi_.pc] == 0 || is_behind_call(caller[abi_.pc]);
    }

    // Or where the kernel makes signal handlers return to.
    bool is_behind_call(std::uint64_t return_address) {
        const std::uint64_t at = return_address & code_mask_;
        const CodeMapping code = spans_.find(at - 1).code;
        const auto before = provider_.read_word(code.module, Svma{at - code.bias - 8});
        if (before && arch_.is_behind_call(*before, return_address)) return true;
        const auto bytes = provider_.read_word(code.module, Svma{at - code.bias});
        return bytes && std::any_of(arch_.signals.begin(), arch_.signals.end(),
                                    [&](const SignalFrame& frame) { return frame.is_at(*bytes); });
    }

    // Out of the trampoline that a signal handler returns to, by what the kernel put on the stack.
    bool leave_signal(const CodeMapping& code) {
        const auto bytes = provider_.read_word(code.module, Svma{pc() - code.bias});
        for (const SignalFrame& frame : arch_.signals) {
            if (((bytes && frame.is_at(*bytes)) || code.vdso) && read_signal(frame)) return true;
        }
        return false;
    }

    bool read_signal(const SignalFrame& frame) {
        const std::uint64_t base = sp();
        const auto word = [&](std::uint64_t at) {
            return stack_.read((base + at) & arch_.words.address_mask, arch_.words.size);
        };
        if (frame.pointer != 0 && word(frame.pointer) != base + frame.pointed_to) return false;
        const auto interrupted = word(frame.pc);
        if (!interrupted || !spans_.find(*interrupted & code_mask_).mapping) return false;
        RegisterFile before = registers_;
        before.keep_only(0);
        for (unsigned number = 0; number < frame.register_count; ++number) {
            const std::uint8_t place = arch_.places_of_perf[number];
            const auto value = word(frame.registers + number * arch_.words.size);
            if (value && place != no_place) before.set(place, *value);
        }
        if (!before.has(abi_.stack_pointer)) return false;
        before.set(abi_.pc, *interrupted & code_mask_);
        registers_ = before;
        return true;
    }

    // Out of code that has no rule and no frame either: a stub of a procedure linkage table, a
    // thunk, the end of a function. Believed if there are rules for the caller.
    bool leave_leaf(const CodeMapping& code) {
        const auto bytes = provider_.read_word(code.module, Svma{pc() - code.bias});
        if (!bytes || !arch_.is_frameless(*bytes)) return false;
        std::optional<std::uint64_t> caller;
        std::uint64_t caller_sp = sp();
        if (!abi_.has_link_register()) {
            caller = stack_.read(sp(), arch_.words.size);
            caller_sp += arch_.words.size;
        } else if (registers_.has(abi_.link_register)) {
            caller = registers_[abi_.link_register] & code_mask_;
        }
        if (!caller || !spans_.find(*caller - 1).find_rule(*caller - 1)) return false;
        registers_.keep_only(abi_.callee_saved);
        registers_.set(abi_.stack_pointer, caller_sp);
        registers_.set(abi_.pc, *caller);
        return true;
    }

    const Architecture& arch_;
    const AbiRegisters& abi_ = arch_.registers;
    SpanCache& spans_;
    ModuleProvider& provider_;
    const StackMemory& stack_;
    std::vector<WalkedFrame>& frames_;
    RegisterFile registers_;
    std::uint64_t code_mask_;
};

}  // namespace

StopReason walk_by_rules(SpanCache& spans, ModuleProvider& provider, const RegisterFile& registers,
                         const StackMemory& stack, std::uint32_t max_frames,
                         std::vector<WalkedFrame>& frames) {
    return Walk(spans, provider, registers, stack, frames).run(max_frames);
}

}  // namespace fgread
