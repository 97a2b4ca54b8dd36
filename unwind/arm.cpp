// 32-bit Arm: DWARF for the Arm Architecture (IHI 0040), 4.1: r0-r15; perf has the same numbers.
// The VFP registers (256 and up) hold nothing that leads to a caller.
#include <array>

#include "unwind/architecture.h"
#include "unwind/places.h"

namespace fgread {
namespace {

constexpr unsigned sp = 13, pc = 15;
constexpr auto places = same_places<16>();

// The kernel's frame: with siginfo 128 bytes of it, ucontext up to its mcontext 20, three words of
// that; r0-r15. Without: the same from the ucontext on.
constexpr SignalFrame signal_frame(bool with_siginfo, std::uint64_t code, unsigned code_size) {
    const std::uint16_t registers = with_siginfo ? 160 : 32;
    return {.registers = registers,
            .register_count = 16,
            .pc = static_cast<std::uint16_t>(registers + pc * 4),
            .code = code,
            .code_mask = ~std::uint64_t{0} >> (64 - 8 * code_size)};
}

// mov r7, #173 or #119; svc 0: of glibc and of the kernel, as Arm code and as Thumb (in 4 and 2
// bytes).
constexpr std::array<SignalFrame, 6> signals{
    signal_frame(true, 0xef00'0000'e3a0'70ad, 8), signal_frame(true, 0xdf00'07ad'f04f, 6),
    signal_frame(true, 0xdf00'27ad, 4),           signal_frame(false, 0xef00'0000'e3a0'7077, 8),
    signal_frame(false, 0xdf00'0777'f04f, 6),     signal_frame(false, 0xdf00'2777, 4)};

// bl or blx; bit 0 of the return address says that they are Thumb code. Arm Architecture Reference
// Manual (DDI 0406C), A8.8.25, A8.8.26.
bool is_behind_call(std::uint64_t code, std::uint64_t return_address) {
    const auto last = static_cast<std::uint32_t>(code >> 32);
    if ((return_address & 1) != 0) {
        const std::uint32_t first_half = last & 0xffff, second_half = last >> 16;
        const bool by_register = (second_half & 0xff87) == 0x4780;
        return by_register || ((first_half & 0xf800) == 0xf000 && (second_half & 0xc000) == 0xc000);
    }
    const bool by_register = (last & 0x0fff'fff0) == 0x012f'ff30;
    return by_register || (last & 0x0f00'0000) == 0x0b00'0000 ||
           (last & 0xfe00'0000) == 0xfa00'0000;
}

// bx lr, as Arm and as Thumb code.
bool is_frameless(std::uint64_t code) {
    return (code & 0xffff'ffff) == 0xe12f'ff1e || (code & 0xffff) == 0x4770;
}

}  // namespace

constexpr Architecture architectures::arm{
    .name = "arm",
    // AAPCS (IHI 0042), 5.1.1: r4-r11.
    .registers = {.pc = pc,
                  .stack_pointer = sp,
                  .callee_saved = places_mask(4, 11),
                  .link_register = 14},
    .words = {.size = 4, .address_mask = 0xffff'ffff},
    .places_of_perf = places,
    .code_mask = 0xffff'fffe,  // bit 0 says that the caller is Thumb code
    .is_frameless = is_frameless,
    .is_behind_call = is_behind_call,
    .signals = signals,
};

}  // namespace fgread
