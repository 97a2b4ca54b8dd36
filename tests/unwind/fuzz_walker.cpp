// Input: .eh_frame (2-byte length before it), the stack dump (the same), then 17 registers of
// 8 bytes; what is left is the code of a function without rules. The module is mapped so that small
// numbers are pcs in it. The walk must end within its limits.
#include <cstdlib>
#include <vector>

#include "fuzz_input.h"
#include "unwind/static_modules.h"
#include "unwind/walker.h"
#include "unwind/x86_64.h"

using namespace fgread;
using namespace fgread::test;

namespace {

void check(bool condition) {
    if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    FuzzInput input(data, size);
    UnwindSections sections;
    sections.eh_frame = input.part();
    sections.eh_frame_address = {0x8000};
    constexpr std::uint64_t base = 0x20000;
    const StackMemory stack(Avma{base}, input.part());

    StaticModules modules;
    AddressSpace space;
    const ModuleId module = modules.add(sections);
    modules.add_memory(module, Svma{0x8000}, sections.eh_frame);
    RegisterFile registers;
    registers.set(x86_64::return_address, input.u64());
    registers.set(x86_64::rsp, base);
    for (unsigned reg = 0; reg < x86_64::rsp && !input.empty(); ++reg) {
        registers.set(reg, input.u64());
    }
    for (unsigned reg = x86_64::r8; reg <= x86_64::r15 && !input.empty(); ++reg) {
        registers.set(reg, input.u64());
    }
    const ByteView code = input.rest();
    constexpr std::uint64_t code_start = 0x2000;
    if (!code.empty()) {
        modules.add_memory(module, Svma{code_start}, code);
        modules.add_function(module, {{code_start}, {code_start + code.size()}});
        modules.add_bottom(module, {{0x1100}, {0x1110}, StopReason::switched_stack});
    }
    modules.map(space, {}, module, Avma{0x1000}, Avma{0x10000}, 0);

    constexpr std::uint32_t max_frames = 200;
    FrameTable table;
    StackWalker walker(modules, {max_frames}, &table);
    std::vector<WalkedFrame> first, second;
    const WalkResult cold = walker.walk(space, {}, registers, stack, first);
    const WalkResult warm = walker.walk(space, {}, registers, stack, second);
    check(!first.empty() && first.size() <= max_frames);
    check(!stop_reason_key(cold.reason).empty());
    // What the walker remembers must not change what it finds.
    check(cold.reason == warm.reason && first.size() == second.size());
    for (std::size_t i = 0; i < first.size(); ++i) {
        check(first[i].frame == second[i].frame && first[i].sp == second[i].sp);
        check(second[i].id == first[i].id);
        check(first[i].id == no_frame || table[first[i].id] == first[i].frame);
    }

    // The registers once more, as a chain of addresses.
    std::vector<std::uint64_t> chain{registers[x86_64::return_address]};
    for (unsigned reg = 0; reg < x86_64::return_address; ++reg) {
        if (registers.has(reg)) chain.push_back(registers[reg]);
    }
    const StopReason longer =
        walker.follow_chain(space, {}, registers, stack, chain, cold.reason, second);
    check(second.size() >= first.size() && second.size() <= max_frames);
    check(longer == cold.reason || longer == StopReason::complete);
    return 0;
}
