// A process to walk in: functions with call-frame information of every kind, and a stack.
#pragma once

#include <cstdint>
#include <vector>

#include "frame_offsets.h"
#include "support/cfi_builder.h"
#include "unwind/static_modules.h"
#include "unwind/walker.h"
#include "unwind/x86_64.h"

namespace fgread::test {

inline constexpr std::uint64_t bias = 0x400000;
inline constexpr std::uint64_t dump_base = 0x7ffd00001000;

// Where the functions of the test module are (SVMA).
inline constexpr std::uint64_t leaf = 0x1000;      // CFA = rsp + 8
inline constexpr std::uint64_t middle = 0x1100;    // CFA = rsp + 16
inline constexpr std::uint64_t with_rbp = 0x1200;  // CFA = rbp + 16, rbp saved
inline constexpr std::uint64_t start = 0x1300;     // return address undefined
inline constexpr std::uint64_t trampoline =
    0x1400;                                      // signal frame; rip, rsp, rbp in the words at rsp
inline constexpr std::uint64_t no_cfa = 0x1500;  // CFA is an operation CFI cannot hold
inline constexpr std::uint64_t below = 0x1600;   // return address below the stack pointer
inline constexpr std::uint64_t by_rax = 0x1700;  // CFA = rax + 8
inline constexpr std::uint64_t stuck = 0x1800;   // CFA = rsp, return address in rbx
inline constexpr std::uint64_t by_rbx = 0x1900;  // CFA = rbx + 16
inline constexpr std::uint64_t saves_rbx = 0x1a00;  // CFA = rsp + 16, rbx saved
inline constexpr std::uint64_t entry = 0x1e00;      // where the program starts; no rule either
inline constexpr std::uint64_t no_rule = 0x1f00;

inline CfiBuilder module_cfi() {
    CfiBuilder builder = CfiBuilder::eh_frame(0x8000);
    const std::size_t cie = builder.cie();
    builder.fde(cie, leaf, 0x100);
    builder.fde(cie, middle, 0x100, {0x0e, 16});
    builder.fde(cie, with_rbp, 0x100, {0x0c, 6, 16, 0x86, 2});
    builder.fde(cie, start, 0x100, {0x07, 16});
    builder.fde(cie, no_cfa, 0x100, CfiBytes{0x0f}.block({0x98, 0, 0}));
    builder.fde(cie, below, 0x100, {0x0c, 7, 0});
    builder.fde(cie, by_rax, 0x100, {0x0c, 0, 8});
    builder.fde(cie, stuck, 0x100, {0x0c, 7, 0, 0x09, 16, 3});
    builder.fde(cie, by_rbx, 0x100, {0x0c, 3, 16});
    builder.fde(cie, saves_rbx, 0x100, {0x0e, 16, 0x83, 2});
    CieSpec signal;
    signal.augmentation = "zRS";
    signal.instructions = CfiBytes{0x0f}
                              .block({0x77, 8, 0x06})  // CFA: the word at rsp + 8
                              .u8(0x10)
                              .u8(16)
                              .block({0x77, 0})
                              .u8(0x10)
                              .u8(6)
                              .block({0x77, 16});
    // As glibc's __restore_rt, whose FDE begins one byte before the function.
    builder.fde(builder.cie(signal), trampoline - 1, 0x11);
    return builder;
}

// A process with the module mapped at `bias`, and one whose binary is missing.
class Process {
public:
    Process() {
        const ModuleId module = modules.add(cfi_.sections());
        modules.set_entry(module, Svma{entry});
        modules.map(space, {1, 0}, module, Avma{bias + 0x1000}, Avma{bias + 0x2000}, bias);
        modules.map(space, {1, 1}, ModuleId{}, Avma{0x900000}, Avma{0x901000}, 0x900000);
        registers.set(x86_64::rsp, dump_base);
    }

    Process& pc(std::uint64_t svma) {
        registers.set(x86_64::return_address, svma + bias);
        return *this;
    }
    Process& word(std::uint64_t value) {
        dump.u64(value);
        return *this;
    }
    // A return address into the module.
    Process& back_to(std::uint64_t svma) { return word(svma + 5 + bias); }

    StopReason walk(WalkLimits limits = {}) {
        StackWalker walker(modules, limits);
        return walk(walker);
    }
    StopReason walk(StackWalker& walker, EventTime when = {2, 0}) {
        return walker.walk(space, when, registers, {Avma{dump_base}, dump.view()}, frames).reason;
    }
    [[nodiscard]] std::vector<std::uint64_t> offsets() const { return offsets_of(frames); }

    StaticModules modules;
    AddressSpace space;
    RegisterFile registers;
    CfiBytes dump;
    std::vector<WalkedFrame> frames;

private:
    CfiBuilder cfi_ = module_cfi();
};

}  // namespace fgread::test
