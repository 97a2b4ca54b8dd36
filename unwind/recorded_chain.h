// The chain that the kernel recorded beside registers and stack, where the walk of these ended
// early: x86-64.
//
// The kernel follows frame pointers when it samples, past the end of any dump. What a function that
// keeps none had in rbp it takes for one, and skips callers; so the chain is believed address by
// address, where rules say that rbp leads to the caller, or a call before the address does.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "unwind/module_provider.h"
#include "unwind/registers.h"
#include "unwind/span_cache.h"
#include "unwind/stack_memory.h"
#include "unwind/walker.h"

namespace fgread {

struct RecordedChain {
    std::span<const std::uint64_t> addresses;  // the pc, then return addresses
    const RegisterFile& registers;             // of the sample
    const StackMemory& stack;
    const WalkLimits& limits;
};

// Lengthens `frames`, what the walk of the sample found, at least one. `spans` has the space and
// time selected. The new frames have no stack pointer (0). Returns why the stack ends, `reason`
// unless it is whole now. Some 100 ns per frame.
[[nodiscard]] StopReason follow_recorded_chain(SpanCache& spans, ModuleProvider& provider,
                                               const RecordedChain& chain, StopReason reason,
                                               std::vector<WalkedFrame>& frames);

}  // namespace fgread
