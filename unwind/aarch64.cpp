// aarch64: DWARF for the Arm 64-bit Architecture (IHI 0057), 4.1: x0-x30, sp 31. perf has the same
// numbers and the pc as 32, where DWARF has nothing that rules name.
#include <algorithm>
#include <array>

#include "unwind/architecture.h"
#include "unwind/places.h"

namespace fgread {
namespace {

constexpr unsigned sp = 31, pc = 32;
constexpr auto places = same_places<33>();

// siginfo of 128 bytes, ucontext up to its mcontext 176, the address of the fault; x0-x30, sp, pc.
// mov x8, #139; svc #0: bionic's __restore_rt.
constexpr std::array<SignalFrame, 1> signals{{{.registers = 312,
                                               .register_count = 33,
                                               .pc = 312 + 32 * 8,
                                               .code = 0xd400'0001'd280'1168,
                                               .code_mask = ~std::uint64_t{0}}}};

// ret, or a stub of a procedure linkage table: bti c; adrp x16; ldr x17, [x16]; add x16, x16; br
// x17.
bool is_frameless(std::uint64_t code) {
    struct Instruction {
        std::uint32_t code, mask;
    };
    constexpr std::array<Instruction, 5> instructions{{{0xd65f'03c0, 0xffff'ffff},
                                                       {0x9000'0010, 0x9f00'001f},
                                                       {0xf940'0211, 0xffc0'03ff},
                                                       {0x9100'0210, 0xff80'03ff},
                                                       {0xd61f'0220, 0xffff'ffff}}};
    constexpr std::uint64_t bti_c = 0xd503'245f;
    const bool marked = (code & 0xffff'ffff) == bti_c;
    const std::uint64_t first = marked ? code >> 32 : code;
    return std::any_of(instructions.begin(), instructions.end(),
                       [&](const Instruction& each) { return (first & each.mask) == each.code; });
}

}  // namespace

constexpr Architecture architectures::aarch64{
    .name = "aarch64",
    // AAPCS64 (IHI 0055), 6.1.1: x19-x28, and the frame pointer x29.
    .registers = {.pc = pc,
                  .stack_pointer = sp,
                  .callee_saved = places_mask(19, 29),
                  .link_register = 30},
    // The top byte of a pointer is ignored by loads and stores.
    .words = {.address_mask = (std::uint64_t{1} << 56) - 1},
    .places_of_perf = places,
    .signed_returns = true,
    .is_frameless = is_frameless,
    .signals = signals,
};

}  // namespace fgread
