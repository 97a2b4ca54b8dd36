#include "unwind/known_places.h"

#include "unwind/frame_pointer.h"
#include "unwind/signal_trampoline.h"
#include "unwind/x86_64.h"

namespace fgread {

namespace {

void take_short_rule(const UnwindRule& rule, KnownPc& entry) {
    entry.cfa_offset = static_cast<std::int32_t>(rule.cfa.offset);
    entry.brief = rule.brief;
}

void take_rule(const UnwindRule* rule, KnownPc& entry) {
    entry.rule = rule;
    if (rule) take_short_rule(*rule, entry);
}

}  // namespace

void KnownPlaces::make_room() {
    if (!known_.empty()) return;
    known_.resize(std::size_t{1} << known_bits);
    known_frames_.make_room();
}

void KnownPlaces::forget_numbers() {
    for (KnownPc& entry : known_) entry.id = no_frame;
    known_frames_.forget_all();
}

FrameId KnownPlaces::number(const KnownPc& entry) {
    if (!frames_ || entry.module.value == 0) return no_frame;
    const std::uint64_t distance = entry.kind == FrameKind::return_address ? 1 : 0;
    return frames_->intern({entry.module, entry.kind, entry.lookup + distance - entry.bias});
}

void KnownPlaces::fill(KnownPc& entry, std::uint64_t lookup, std::uint32_t generation,
                       FrameKind kind, bool is_frame) {
    const SpanCache::Span& span = spans.find(lookup);
    entry = KnownPc{};
    entry.lookup = lookup;
    entry.generation = generation;
    entry.kind = kind;
    entry.module = span.code.module;
    entry.bias = span.code.bias;
    if (is_frame) {
        find_frame(span, entry);
    } else {
        take_rule(span.find_rule(lookup), entry);
    }
    if (!entry.rule && span.code.table && is_trampoline(entry)) {
        entry.rule = &x86_64::signal_trampoline_rule();
    } else if (!entry.rule) {
        entry.stop = span.reason_without_rule(lookup);
        // JITs keep frame pointers; what a file that is not there does, nobody knows.
        const bool no_cfi = entry.stop == StopReason::no_cfi;
        entry.may_keep_fp = limits_.frame_pointers && (no_cfi || span.code.anonymous);
        if (no_cfi) look_at_function(entry);
    }
    for (const StackBottom& bottom : span.code.bottoms) {
        const Svma pc{lookup - entry.bias};
        if (pc < bottom.start || pc >= bottom.end) continue;
        entry.is_bottom = true;
        entry.stop = bottom.reason;
        entry.brief = {};
    }
}

// The frame's number, and its rule. A program that runs in many processes, at other addresses in
// each, asks the same again.
void KnownPlaces::find_frame(const SpanCache::Span& span, KnownPc& entry) {
    const std::uint64_t offset = entry.lookup - entry.bias;
    if (span.code.table) {
        const auto known = known_frames_.find(entry.module, entry.kind, offset);
        if (known.rule) {
            entry.id = known.id;
            return take_rule(known.rule, entry);
        }
    }
    take_rule(span.find_rule(entry.lookup), entry);
    entry.id = number(entry);
    if (!entry.rule || entry.id == no_frame) return;
    known_frames_.add(entry.module, entry.kind, offset, {entry.rule, entry.id});
}

// A handler's return address is the trampoline's first byte; the byte before it was looked up.
bool KnownPlaces::is_trampoline(const KnownPc& entry) {
    const Svma before{entry.lookup - entry.bias}, at{before.value + 1};
    return read_code(entry.module, at, x86_64::is_signal_trampoline) ||
           read_code(entry.module, before, x86_64::is_signal_trampoline);
}

// Not of stubs, which are in no function: to learn that takes all symbols of the binary.
void KnownPlaces::look_at_function(KnownPc& entry) {
    const Svma pc{entry.lookup - entry.bias};
    if (read_code(entry.module, pc, x86_64::is_stub)) return;
    if (limits_.analyse_code) entry.inferred = inferred.find(entry.module, pc);
    if (entry.inferred) take_short_rule(*entry.inferred, entry);
    if (!limits_.frame_pointers || limits_.trust_frame_pointers) return;
    const auto function = provider_.function_at(entry.module, pc);
    if (!function || !function->is_end_known) return;
    entry.keeps_fp = read_code(entry.module, function->start, x86_64::makes_frame);
    entry.keeps_none = !entry.keeps_fp;
}

}  // namespace fgread
