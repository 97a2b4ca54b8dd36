// Frames of no module there is, which stand in stacks for what is not known.
#pragma once

#include "unwind/frame.h"

namespace fgread {

// Stands at the root of stacks that the dump cut, if they are to be marked. In no module there is.
inline constexpr Frame truncated_mark{ModuleId{0xffff'ffff}, FrameKind::exact, 0};

// Modules of code in the guests of virtual machines, of which a host's recording knows nothing but
// addresses. What stands from the first of them on, the mark too, is in no module there is.
inline constexpr ModuleId guest_kernel_module{0xffff'fffd};
inline constexpr ModuleId guest_user_module{0xffff'fffe};
[[nodiscard]] constexpr bool is_real(ModuleId module) { return module < guest_kernel_module; }

}  // namespace fgread
