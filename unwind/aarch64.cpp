// aarch64: DWARF for the Arm 64-bit Architecture (IHI 0057), 4.1: x0-x30, sp 31. perf has the same
// numbers and the pc as 32, where DWARF has nothing that rules name.
#include "unwind/architecture.h"
#include "unwind/places.h"

namespace fgread {
namespace {

constexpr unsigned sp = 31, pc = 32;
constexpr auto places = same_places<33>();

}  // namespace

constexpr Architecture architectures::aarch64{
    .name = "aarch64",
    // AAPCS64 (IHI 0055), 6.1.1: x19-x28, and the frame pointer x29.
    .registers = {.pc = pc,
                  .stack_pointer = sp,
                  .callee_saved = places_mask(19, 29),
                  .link_register = true},
    // The top byte of a pointer is ignored by loads and stores.
    .words = {.address_mask = (std::uint64_t{1} << 56) - 1},
    .places_of_perf = places,
    .signed_returns = true,
};

}  // namespace fgread
