// Input: a byte of flags, the mask of known registers, the stack dump (2-byte length before it),
// then the expression. Any result will do; it must come, and come soon.
#include "fuzz_input.h"
#include "unwind/dwarf_expr.h"

using namespace fgread;
using namespace fgread::test;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    FuzzInput input(data, size);
    const unsigned flags = input.u8();
    const std::uint64_t known = input.u64();
    constexpr std::uint64_t base = 0x7000;
    const StackMemory stack(Avma{base}, input.part(), flags & 1 ? Endian::big : Endian::little);
    RegisterFile registers;
    for (unsigned reg = 0; reg < RegisterFile::capacity; ++reg) {
        if ((known >> reg) & 1) registers.set(reg, base + reg * 4);
    }
    std::optional<std::uint64_t> initial;
    if (flags & 2) initial = base + 16;
    (void)evaluate_expression(input.rest(), registers, FrameMemory(stack), initial);
    return 0;
}
