// FrameStates: where in a function the frame pointer chain is whole, found by disassembly.
//
// The kernel's user chain follows rbp. Between the call and `mov rbp, rsp`, and again between
// `pop rbp` or `leave` and `ret`, rbp still (or again) belongs to the caller, and the kernel's
// chain lacks the caller. Optimised code has such places in the middle of a function, too (several
// epilogues, prologues sunk behind an early exit), so the state is carried along the control flow.
#pragma once

#include <cstdint>
#include <map>
#include <unordered_map>

#include "own_code.h"

namespace truth {

enum class FrameState : std::uint8_t {
    callers,    // rbp is the caller's: prologue or epilogue
    complete,   // rbp points at this function's frame
    ambiguous,  // reached in both states
    unreached,  // by no direct branch from the function's start: a landing pad, a jump table's
                // target
};

class FrameStates {
public:
    FrameStates();
    ~FrameStates();
    FrameStates(const FrameStates&) = delete;
    FrameStates& operator=(const FrameStates&) = delete;

    // The state before the instruction at `svma` of `function` is executed. Disassembles a
    // function the first time it is asked for.
    FrameState at(const Function& function, std::uint64_t svma);

private:
    using States = std::unordered_map<std::uint64_t, FrameState>;
    States analyse(const Function& function) const;

    std::uintptr_t capstone_ = 0;
    std::map<std::uint64_t, States> functions_;  // by start
};

}  // namespace truth
