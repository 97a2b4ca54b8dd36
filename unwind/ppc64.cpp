// ppc64 and ppc64le: ELFv2 ABI, 2.4: r0-r31, LR 65; 67 is what the vdso calls the pc.
#include <array>

#include "unwind/architecture.h"
#include "unwind/places.h"

namespace fgread {
namespace {

constexpr std::uint8_t sp = 1, lr = 32, pc = 33;
constexpr unsigned perf_nip = 32, perf_link = 36;
constexpr auto places = [] {
    std::array<std::uint8_t, perf_link + 1> result{};
    result.fill(no_place);
    for (std::uint8_t i = 0; i < 32; ++i) result[i] = i;
    result[perf_nip] = pc;
    result[perf_link] = lr;
    return result;
}();

// 128 bytes of the handler's, ucontext up to its mcontext 168, 56 bytes of that, a pointer to what
// follows: r0-r31, nip, msr, orig_r3, ctr, link.
constexpr std::array<SignalFrame, 1> signals{{{.registers = 360,
                                               .register_count = perf_link + 1,
                                               .pc = 360 + perf_nip * 8,
                                               .pointer = 352,
                                               .pointed_to = 360}}};

// blr
bool is_frameless(std::uint64_t code) { return (code & 0xffff'ffff) == 0x4e80'0020; }

}  // namespace

constexpr Architecture architectures::ppc64{
    .name = "ppc64",
    // 2.2.1.1: r14-r31 (and r1, which is the CFA).
    .registers = {.pc = pc,
                  .stack_pointer = sp,
                  .callee_saved = places_mask(14, 31),
                  .link_register = lr},
    .words = {.numbers = {.same_below = 32, .moved = {{{65, lr}, {67, pc}}}}},
    .places_of_perf = places,
    .is_frameless = is_frameless,
    .signals = signals,
};

}  // namespace fgread
