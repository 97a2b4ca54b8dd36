// ppc64 and ppc64le: ELFv2 ABI, 2.4: r0-r31, LR 65; 67 is what the vdso calls the pc.
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

}  // namespace

constexpr Architecture architectures::ppc64{
    .name = "ppc64",
    // 2.2.1.1: r14-r31 (and r1, which is the CFA).
    .registers = {.pc = pc,
                  .stack_pointer = sp,
                  .callee_saved = places_mask(14, 31),
                  .link_register = true},
    .words = {.numbers = {.same_below = 32, .moved = {{{65, lr}, {67, pc}}}}},
    .places_of_perf = places,
};

}  // namespace fgread
