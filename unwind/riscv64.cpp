// riscv64: RISC-V ELF psABI, DWARF register numbers: x0-x31, 64 the alternate frame return column
// (of signal frames), which is the pc here. perf has the pc under 0.
#include <array>

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

// siginfo of 128 bytes, ucontext up to its mcontext 176; pc, x1-x31.
constexpr std::array<SignalFrame, 1> signals{{{.registers = 304, .register_count = 32, .pc = 304}}};

// ret, in two bytes or four.
bool is_frameless(std::uint64_t code) {
    return (code & 0xffff) == 0x8082 || (code & 0xffff'ffff) == 0x8067;
}

}  // namespace

constexpr Architecture architectures::riscv64{
    .name = "riscv64",
    // psABI, integer calling convention: s0-s11.
    .registers = {.pc = pc,
                  .stack_pointer = sp,
                  .callee_saved = places_mask(8, 9) | places_mask(18, 27),
                  .link_register = 1},
    .words = {.numbers = {.same_below = 32, .moved = {{{64, pc}}}}},
    .places_of_perf = places,
    .is_frameless = is_frameless,
    .signals = signals,
};

}  // namespace fgread
