// riscv64: RISC-V ELF psABI, DWARF register numbers: x0-x31, 64 the alternate frame return column
// (of signal frames), which is the pc here. perf has the pc under 0.
#include "unwind/architecture.h"
#include "unwind/places.h"

namespace fgread {
namespace {

constexpr unsigned sp = 2, pc = 32;
constexpr auto places = [] {
    auto result = same_places<32>();
    result[0] = pc;
    return result;
}();

}  // namespace

constexpr Architecture architectures::riscv64{
    .name = "riscv64",
    // psABI, integer calling convention: s0-s11.
    .registers = {.pc = pc,
                  .stack_pointer = sp,
                  .callee_saved = places_mask(8, 9) | places_mask(18, 27),
                  .link_register = true},
    .words = {.numbers = {.same_below = 32, .moved = {{{64, pc}}}}},
    .places_of_perf = places,
};

}  // namespace fgread
