// s390x: ELF ABI s390x supplement, 1.6: r0-r15, then the floating-point registers in pairs, in
// which leaf functions keep what others push; 65 is the address of the PSW.
#include <array>

#include "unwind/architecture.h"
#include "unwind/places.h"

namespace fgread {
namespace {

constexpr std::uint8_t sp = 15, pc = 33;
// perf has f0-f15 in order. DWARF: f0 f2 f4 f6, f1 f3 f5 f7, f8 f10 f12 f14, f9 f11 f13 f15.
constexpr auto places = [] {
    std::array<std::uint8_t, 34> result = same_places<34>();
    for (std::uint8_t i = 0; i < 16; ++i) {
        const unsigned eight = i / 8 * 8, in_eight = i % 8;
        result[16u + i] = static_cast<std::uint8_t>(16 + eight + in_eight / 2 + in_eight % 2 * 4);
    }
    result[32] = no_place;  // the mask of the PSW
    result[33] = pc;
    return result;
}();

// 160 bytes of the handler's. Of a handler without siginfo: the old mask, a pointer to what
// follows; with it: siginfo of 128 bytes behind an instruction, ucontext up to its mcontext 40.
// Then the PSW's mask and address, r0-r15.
constexpr std::array<SignalFrame, 2> signals{
    {{.registers = 192, .register_count = 16, .pc = 184, .pointer = 168, .pointed_to = 176},
     {.registers = 352, .register_count = 16, .pc = 344}}};

// br %r14; the bytes were read as one big-endian word.
bool is_frameless(std::uint64_t code) { return code >> 48 == 0x07fe; }

}  // namespace

constexpr Architecture architectures::s390x{
    .name = "s390x",
    // 1.2.2: r6-r13 and r15, f8-f15.
    .registers = {.pc = pc,
                  .stack_pointer = sp,
                  .callee_saved = places_mask(6, 13) | places_mask(24, 31),
                  .link_register = 14,
                  // A caller provides 160 bytes above its stack pointer for the registers to save.
                  .cfa_above_sp = 160},
    .words = {.numbers = {.same_below = 32, .moved = {{{65, pc}}}}},
    .places_of_perf = places,
    .is_frameless = is_frameless,
    .signals = signals,
};

}  // namespace fgread
