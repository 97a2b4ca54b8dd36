// StopReason: why a stack ended.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace fgread {

// Why a stack ended. Data, not an error: counted per reason and shown by --stats.
enum class StopReason : std::uint8_t {
    complete,            // CFI says the return address is undefined, or it is 0: the thread's start
    recorded,            // nothing to walk: the kernel recorded the chain (frame pointers, LBR)
    truncated,           // a read left the dump at its upper end: the recording's dump is too small
    no_registers,        // the sample has no user registers or no stack (kernel thread)
    no_mapping,          // the pc lies in no executable mapping
    module_unavailable,  // the binary of the pc is missing, differs or cannot be read
    no_cfi,              // the binary is there, but no rule covers the pc
    rule_unsupported,    // expression or rule that cannot be evaluated
    bad_memory,          // a read below the dump, or of a register whose value is not known
    no_progress,         // the stack pointer did not rise
    frame_limit,         // more frames than WalkLimits::max_frames
    unsupported_abi,     // registers of an architecture this build does not walk
    switched_stack,  // the thread had changed to the last frame's stack; the other is not copied
    count_,
};

inline constexpr std::size_t stop_reason_count = static_cast<std::size_t>(StopReason::count_);

// Stable identifier as used in --stats=json, e.g. "truncated".
std::string_view stop_reason_key(StopReason reason);
// What it means, for the user.
std::string_view stop_reason_text(StopReason reason);

}  // namespace fgread
