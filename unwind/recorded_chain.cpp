#include "unwind/recorded_chain.h"

#include <optional>

#include "unwind/call_check.h"
#include "unwind/frame_pointer.h"
#include "unwind/x86_64.h"

namespace fgread {
namespace {

// Where the last of `frames` stands in the chain, whose addresses are found again in the dump, by
// the same frame pointers: only what lies at that frame's place on the stack is it, for addresses
// come again in recursions.
std::optional<std::size_t> place_of_last(const RecordedChain& chain,
                                         const std::vector<WalkedFrame>& frames) {
    const std::span<const std::uint64_t> addresses = chain.addresses;
    const WalkedFrame& last = frames.back();
    if (frames.size() == 1) {
        const bool same = !addresses.empty() && addresses[0] == last.pc.value;
        return same ? std::optional(std::size_t{0}) : std::nullopt;
    }
    if (!chain.registers.has(x86_64::rbp)) return std::nullopt;
    std::uint64_t fp = chain.registers[x86_64::rbp];
    for (std::size_t i = 1; i < addresses.size(); ++i) {
        const auto caller =
            x86_64::caller_by_frame_pointer(chain.stack, chain.registers[x86_64::rsp], fp);
        if (!caller || caller->pc != addresses[i] || caller->sp > last.sp.value) break;
        if (caller->sp == last.sp.value) {
            return caller->pc == last.pc.value ? std::optional(i) : std::nullopt;
        }
        fp = caller->fp;
    }
    return std::nullopt;
}

class Links {
public:
    Links(SpanCache& spans, ModuleProvider& provider, const WalkLimits& limits)
        : spans_(spans), provider_(provider), limits_(limits) {}

    // Whether `caller` is the return address of the frame that is at `pc`.
    bool lead_to(std::uint64_t pc, FrameKind kind, std::uint64_t caller) {
        const std::uint64_t lookup = kind == FrameKind::return_address ? pc - 1 : pc;
        const UnwindRule* rule = spans_.find(lookup).find_rule(lookup);
        if (rule) return keeps_frame_pointer(*rule);
        const SpanCache::Span& span = spans_.find(caller - 1);
        if (!span.mapping && span.code.module.value == 0) return false;
        x86_64::CallTrust trust =
            kind == FrameKind::exact ? x86_64::CallTrust::named : x86_64::CallTrust::unknown;
        if (limits_.trust_frame_pointers) trust = x86_64::CallTrust::any;
        return may_have_called(provider_, {span.code.module, span.code.bias, caller}, pc, trust);
    }

    bool is_outermost(std::uint64_t pc) {
        const SpanCache::Span& span = spans_.find(pc - 1);
        const UnwindRule* rule = span.find_rule(pc - 1);
        if (!rule) return span.reason_without_rule(pc - 1) == StopReason::complete;
        return rule->rule_of(rule->return_address).kind == RuleKind::undefined;
    }

    Frame frame_of(std::uint64_t pc) {
        const CodeMapping& code = spans_.find(pc - 1).code;
        return {code.module, FrameKind::return_address, pc - code.bias};
    }

private:
    // The CFA lies above the return address, and that above the saved rbp, to which rbp points.
    static bool keeps_frame_pointer(const UnwindRule& rule) {
        constexpr std::int64_t above = 16;
        const RegisterRule cfa{RuleKind::in_register, x86_64::rbp, above, {}};
        const RegisterRule saved{RuleKind::at_cfa, 0, -above, {}};
        return rule.cfa == cfa && rule.rule_of(x86_64::rbp) == saved;
    }

    SpanCache& spans_;
    ModuleProvider& provider_;
    const WalkLimits& limits_;
};

}  // namespace

StopReason follow_recorded_chain(SpanCache& spans, ModuleProvider& provider,
                                 const RecordedChain& chain, StopReason reason,
                                 std::vector<WalkedFrame>& frames) {
    const auto at = place_of_last(chain, frames);
    if (!at) return reason;
    Links links(spans, provider, chain.limits);
    for (std::size_t i = *at + 1; i < chain.addresses.size(); ++i) {
        if (frames.size() >= chain.limits.max_frames) return reason;
        const std::uint64_t caller = chain.addresses[i];
        const WalkedFrame& last = frames.back();
        if (!links.lead_to(last.pc.value, last.frame.kind, caller)) return reason;
        if (caller == 0) return StopReason::complete;
        frames.push_back({links.frame_of(caller), {caller}, {}});
        if (links.is_outermost(caller)) return StopReason::complete;
    }
    return reason;
}

}  // namespace fgread
