// i386: System V psABI for the Intel386, table 2.14: eax ecx edx ebx esp ebp esi edi eip.
#include <array>

#include "unwind/architecture.h"

namespace fgread {
namespace {

constexpr std::uint8_t eax = 0, ecx = 1, edx = 2, ebx = 3, esp = 4, ebp = 5, esi = 6, edi = 7,
                       eip = 8;
// AX BX CX DX SI DI BP SP IP: the same numbers as of x86-64.
constexpr std::array<std::uint8_t, 9> places{eax, ebx, ecx, edx, esi, edi, ebp, esp, eip};

// ret, or what gcc calls to know the pc: mov (%esp), %reg; ret.
bool is_frameless(std::uint64_t code) {
    const bool is_thunk = (code & 0xffff'c7ff) == 0xc324'048b;
    return (code & 0xff) == 0xc3 || is_thunk;
}

}  // namespace

constexpr Architecture architectures::i386{
    .name = "i386",
    .registers = {.pc = eip,
                  .stack_pointer = esp,
                  .callee_saved = 1u << ebx | 1u << ebp | 1u << esi | 1u << edi},
    .words = {.size = 4, .address_mask = 0xffff'ffff},
    .places_of_perf = places,
    .code_mask = 0xffff'ffff,
    .is_frameless = is_frameless,
};

}  // namespace fgread
