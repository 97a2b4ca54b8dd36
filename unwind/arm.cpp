// 32-bit Arm: DWARF for the Arm Architecture (IHI 0040), 4.1: r0-r15; perf has the same numbers.
// The VFP registers (256 and up) hold nothing that leads to a caller.
#include "unwind/architecture.h"
#include "unwind/places.h"

namespace fgread {
namespace {

constexpr unsigned sp = 13, pc = 15;
constexpr auto places = same_places<16>();

}  // namespace

constexpr Architecture architectures::arm{
    .name = "arm",
    // AAPCS (IHI 0042), 5.1.1: r4-r11.
    .registers = {.pc = pc,
                  .stack_pointer = sp,
                  .callee_saved = places_mask(4, 11),
                  .link_register = true},
    .words = {.size = 4, .address_mask = 0xffff'ffff},
    .places_of_perf = places,
    .code_mask = 0xffff'fffe,  // bit 0 says that the caller is Thumb code
};

}  // namespace fgread
