#include "unwind/general_walk.h"

#include <algorithm>
#include <bit>

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
            const SpanCache::Span& span = enter(kind);
            const UnwindRule* rule = span.find_rule(lookup(kind));
            if (!rule) return span.reason_without_rule(lookup(kind));
            const StepStatus status = leave(*rule, span.code);
            if (status != StepStatus::ok) return stop_reason_of(status);
            if (pc() == 0) return StopReason::complete;
            if (frames_.size() >= max_frames) return StopReason::frame_limit;
            // A function that was interrupted may not have pushed anything yet; a signal may have
            // come on another stack.
            const bool interrupted = rule->signal_frame;
            if (kind == FrameKind::return_address && !interrupted && sp() <= before) {
                return StopReason::no_progress;
            }
            kind = interrupted ? FrameKind::exact : FrameKind::return_address;
        }
    }

private:
    [[nodiscard]] std::uint64_t pc() const { return registers_[abi_.pc]; }
    [[nodiscard]] std::uint64_t sp() const { return registers_[abi_.stack_pointer]; }
    [[nodiscard]] std::uint64_t lookup(FrameKind kind) const {
        return kind == FrameKind::return_address ? pc() - 1 : pc();
    }

    // Records the frame. What it returns is valid until the next one.
    const SpanCache::Span& enter(FrameKind kind) {
        const SpanCache::Span& span = spans_.find(lookup(kind));
        frames_.push_back({{span.code.module, kind, pc() - span.code.bias}, {pc()}, {sp()}});
        return span;
    }

    StepStatus leave(const UnwindRule& rule, const CodeMapping& code) {
        const FrameMemory memory(stack_, &provider_, code.module, code.bias, arch_.words);
        const StepStatus status = step(rule, abi_, memory, registers_);
        if (status == StepStatus::ok) registers_.set(abi_.pc, pc() & code_mask_);
        return status;
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
