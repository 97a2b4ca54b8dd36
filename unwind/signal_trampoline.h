// The code a signal handler returns to, where no call-frame information says so: musl's and Go's.
#pragma once

#include <array>
#include <cstdint>

#include "unwind/unwind_rule.h"

namespace fgread::x86_64 {

// Whether the 16 code bytes (the first one lowest) call rt_sigreturn: mov $15, %eax (or %rax), then
// syscall. glibc, musl and Go have no other instructions there.
[[nodiscard]] bool is_signal_trampoline(const std::array<std::uint64_t, 2>& code);

// Its rule: all registers as the kernel saved them above the handler's return address, struct
// ucontext of arch/x86/include/uapi/asm/ucontext.h. Lives for ever.
[[nodiscard]] const UnwindRule& signal_trampoline_rule();

}  // namespace fgread::x86_64
