// The caller of code that no call-frame information covers, by the frame pointer: x86-64.
//
//        rsp ->  locals                             higher addresses below
//        rbp ->  the caller's rbp
//                return address
//                the caller's frame
//
// rbp is a register like any other, and may hold anything: what it leads to is only believed if it
// looks like the above and if there is a call before the return address.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "unwind/stack_memory.h"

namespace fgread::x86_64 {

struct FramePointerCaller {
    std::uint64_t pc = 0;  // the return address; not 0
    std::uint64_t sp = 0;
    std::uint64_t fp = 0;
};

// What `fp` leads to; nothing unless it is aligned and in the copied stack at or above `sp`, and
// the caller's frame pointer lies above it or is 0.
[[nodiscard]] std::optional<FramePointerCaller> caller_by_frame_pointer(const StackMemory& stack,
                                                                        std::uint64_t sp,
                                                                        std::uint64_t fp);

// How far a function has got in making its frame, by the 16 code bytes at its pc.
enum class FrameState : std::uint8_t {
    none,    // at endbr64, push %rbp or ret: the return address is on top of the stack
    pushed,  // at mov %rsp, %rbp: the caller's rbp is on top of the stack
    made,    // elsewhere, as far as can be seen
};
[[nodiscard]] FrameState frame_state(const std::array<std::uint64_t, 2>& code);

// Whether a function whose code begins with these bytes makes a frame: it saves rbp first, and
// moves rsp there, at once or an instruction or two later. Others save rbp to use it for something
// else.
[[nodiscard]] bool makes_frame(const std::array<std::uint64_t, 2>& code);

// What the instruction before a return address is, by the eight code bytes before it.
struct CallBefore {
    enum Kind : std::uint8_t { no_call, direct, indirect } kind = no_call;
    std::int64_t distance = 0;  // direct: from the return address to the function called
};
[[nodiscard]] CallBefore call_before(std::uint64_t code);

}  // namespace fgread::x86_64
