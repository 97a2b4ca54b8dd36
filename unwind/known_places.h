// KnownPlaces: what a walker has learnt of the places in code it came by: module, rule, number of
// the frame. Spares nearly all look-ups in tables.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "unwind/frame_table.h"
#include "unwind/inferred_rules.h"
#include "unwind/known_frames.h"
#include "unwind/module_provider.h"
#include "unwind/span_cache.h"
#include "unwind/unwind_rule.h"
#include "unwind/walker.h"

namespace fgread {

// All that a frame needs to be recorded and left, found by its pc: one cache line.
struct alignas(64) KnownPc {
    std::uint64_t lookup = 0;          // AVMA; of a return address already lowered
    const UnwindRule* rule = nullptr;  // null: the walk ends here, because of `stop`
    std::uint64_t bias = 0;
    ModuleId module;
    std::uint32_t generation = 0;  // of the SpanCache; 0 is never used
    std::int32_t cfa_offset = 0;   // of the rule, if `brief` is of use
    FrameId id = no_frame;         // of the frame, if it was one
    FrameKind kind = FrameKind::return_address;
    StopReason stop = StopReason::complete;
    ShortRule brief;  // of the rule, or of what is inferred
    // Of what it called there are no other callers on this stack: `stop`.
    bool is_bottom : 1 = false;
    bool may_keep_fp : 1 = false;          // no rule, but the frame pointer is worth a look
    bool keeps_fp : 1 = false;             // its function, which is known, begins by making a frame
    bool keeps_none : 1 = false;           // or does not
    const UnwindRule* inferred = nullptr;  // no rule, but one that its code suggests
};
static_assert(sizeof(KnownPc) == 64);

// Of x86-64. Not thread-safe; part of one walker. A reference to a KnownPc holds until the next
// look-up.
class KnownPlaces {
public:
    // Both, and the table if there is one, must outlive this object.
    KnownPlaces(ModuleProvider& provider, const WalkLimits& limits, FrameTable* frames)
        : spans(provider),
          inferred(provider),
          provider_(provider),
          limits_(limits),
          frames_(frames) {}

    // Before the first look-up; recordings without stacks need none of it.
    void make_room();

    // What is at this AVMA, already lowered if it is a return address. `generation`: of `spans`.
    const KnownPc& look_up(std::uint64_t lookup, std::uint32_t generation) {
        KnownPc& entry = place_of(lookup, generation);
        if (entry.lookup != lookup || entry.generation != generation) {
            fill(entry, lookup, generation, FrameKind::return_address, false);
        }
        return entry;
    }

    // The same of a frame of the walk, which gets a number.
    const KnownPc& look_up_frame(std::uint64_t pc, FrameKind kind, std::uint32_t generation) {
        const std::uint64_t lookup = kind == FrameKind::return_address ? pc - 1 : pc;
        KnownPc& entry = place_of(lookup, generation);
        if (entry.lookup != lookup || entry.generation != generation || entry.kind != kind) {
            fill(entry, lookup, generation, kind, true);
        } else if (frames_ && entry.id == no_frame) {
            entry.id = number(entry);
        }
        return entry;
    }

    // What `test` says of the 16 code bytes at `pc`; false if they cannot be read.
    bool read_code(ModuleId module, Svma pc, bool (*test)(const std::array<std::uint64_t, 2>&)) {
        const auto code = provider_.read_word(module, pc);
        const auto more = provider_.read_word(module, Svma{pc.value + 8});
        return code && test({*code, more.value_or(0)});
    }

    // Frames were taken out of the table.
    void forget_numbers();

    SpanCache spans;
    InferredRules inferred;

private:
    // 256 KiB fit a level-2 cache; programs have some hundred hot return addresses, compilers more.
    static constexpr unsigned known_bits = 12;

    KnownPc& place_of(std::uint64_t lookup, std::uint32_t generation) {
        const std::uint64_t key = (lookup + generation) * 0x9e3779b97f4a7c15u;
        return known_[key >> (64 - known_bits)];
    }
    FrameId number(const KnownPc& entry);
    void fill(KnownPc& entry, std::uint64_t lookup, std::uint32_t generation, FrameKind kind,
              bool is_frame);
    void find_frame(const SpanCache::Span& span, KnownPc& entry);
    bool is_trampoline(const KnownPc& entry);
    void look_at_function(KnownPc& entry);

    ModuleProvider& provider_;
    WalkLimits limits_;
    FrameTable* frames_;  // may be null
    std::vector<KnownPc> known_;
    KnownFrames known_frames_;
};

}  // namespace fgread
