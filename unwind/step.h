// step(): from one frame's registers to its caller's, by any rule.
#pragma once

#include <cstdint>

#include "unwind/frame_memory.h"
#include "unwind/registers.h"
#include "unwind/stop_reason.h"
#include "unwind/unwind_rule.h"

namespace fgread {

// What the ABI of an architecture decides where CFI is silent.
struct AbiRegisters {
    unsigned pc;             // under which the RegisterFile keeps the pc
    unsigned stack_pointer;  // is the CFA in the caller, unless a rule says otherwise
    std::uint64_t callee_saved;
    // Where a call leaves the return address, and a leaf function may let it be; none: on the
    // stack.
    unsigned link_register = no_register;
    static constexpr unsigned no_register = RegisterFile::capacity;
    [[nodiscard]] bool has_link_register() const { return link_register != no_register; }

    std::uint8_t cfa_above_sp = 0;  // bytes the CFA lies above the caller's stack pointer
};

enum class StepStatus : std::uint8_t {
    ok,
    outermost,  // the return address is undefined: there is no caller
    truncated,  // as in EvalStatus
    bad_memory,
    unsupported,
};

// Why a walk ends that cannot go on because of `status`, which is not ok.
[[nodiscard]] StopReason stop_reason_of(StepStatus status);

// Turns `registers` into the caller's, its return address under abi.pc; leaves them alone unless
// the answer is ok. `memory` knows the width of a word. A register whose saved value cannot be read
// becomes unknown: only the CFA and the return address are needed to go on. Never allocates.
//
// `returning`: the pc is among the pops of an epilogue, or at its return. gcc's rows still say
// there that rbp is saved at CFA - 16, although `leave` or `pop` has restored it: that word now
// lies below the stack pointer, where no dump reaches, and the register itself holds the caller's
// value.
[[nodiscard]] StepStatus step(const UnwindRule& rule, const AbiRegisters& abi,
                              const FrameMemory& memory, RegisterFile& registers,
                              bool returning = false);

}  // namespace fgread
