// The walk of stacks that are not x86-64's: by the rules alone, all registers followed.
#pragma once

#include <vector>

#include "unwind/module_provider.h"
#include "unwind/registers.h"
#include "unwind/span_cache.h"
#include "unwind/stack_memory.h"
#include "unwind/walker.h"

namespace fgread {

// Appends the frames to `frames`, the innermost being exact; at most `max_frames`. `spans` has the
// space and time selected; `registers` know their pc and stack pointer and are of a supported ABI.
// Some 100 ns per frame.
[[nodiscard]] StopReason walk_by_rules(SpanCache& spans, ModuleProvider& provider,
                                       const RegisterFile& registers, const StackMemory& stack,
                                       std::uint32_t max_frames, std::vector<WalkedFrame>& frames);

}  // namespace fgread
