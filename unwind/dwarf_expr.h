// DWARF expressions as call-frame information may hold them. DWARF 5, 2.5.1 and 6.4.2.
//
// Operations that need a function, a unit or another object (call, fbreg, entry_value, piece, TLS)
// have no meaning there and are unsupported.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "perfdata/byte_reader.h"
#include "unwind/frame_memory.h"
#include "unwind/registers.h"

namespace fgread {

// A branch can loop for ever. Real expressions run some ten steps; libdw stops at 4096 too.
inline constexpr unsigned max_expression_steps = 4096;
// Real expressions use two or three slots.
inline constexpr std::size_t max_expression_stack = 64;

// Runs `expression` with `initial` (the CFA, in a register's rule) on the stack and yields what is
// on top at its end. Registers are the callee's, the pc among them where the ABI gives it a DWARF
// number. Arithmetic is modulo 2^64. Never allocates.
[[nodiscard]] EvalResult evaluate_expression(ByteView expression, const RegisterFile& registers,
                                             const FrameMemory& memory,
                                             std::optional<std::uint64_t> initial);

}  // namespace fgread
