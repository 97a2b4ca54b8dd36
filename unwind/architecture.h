// Architecture: what unwinding must know of the tasks of one processor architecture, and how a
// recording says which one it is of. x86-64 has its own fast code (x86_64.h) beside this.
//
// perf numbers: arch/*/include/uapi/asm/perf_regs.h in the kernel. DWARF numbers: the psABI of
// each.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "perfdata/byte_reader.h"
#include "perfdata/sample.h"
#include "unwind/frame_memory.h"
#include "unwind/registers.h"
#include "unwind/stack_memory.h"
#include "unwind/step.h"

namespace fgread {

// How a signal's trampoline keeps the registers of what it interrupted (struct rt_sigframe), for
// where no call-frame information says it.
struct SignalFrame {
    std::uint64_t code = 0;       // the trampoline's first bytes, as a word read at its pc
    std::uint64_t code_mask = 0;  // which of them count; 0: not known for this architecture
    // Bytes above the stack pointer: the register of perf number 0, then the following ones in
    // words, and the pc.
    std::uint16_t registers = 0;
    std::uint16_t pc = 0;
    std::uint8_t register_count = 0;
};

inline constexpr std::uint8_t no_place = 0xff;

// Plain, immutable and static.
struct Architecture {
    std::string_view name;
    AbiRegisters registers;
    WordLayout words{};
    // Places by perf's register number; no_place for those without.
    std::span<const std::uint8_t> places_of_perf{};
    std::uint64_t code_mask = ~std::uint64_t{0};  // bits of a return address that say where it is
    // Return addresses may be signed in the bits above: how many these are, only the data can tell.
    bool signed_returns = false;
    SignalFrame signal{};
};

// Of tasks with this ABI; not of TaskAbi::unsupported.
[[nodiscard]] const Architecture& architecture_of(TaskAbi abi);

// How DWARF numbers of a module for this machine (ELF e_machine) become places in a RegisterFile.
[[nodiscard]] RegisterNumbers register_numbers_of(std::uint16_t elf_machine);

// The machine a recording was made on: it numbered the registers of all tasks, whatever they are.
struct RecordedMachine {
    TaskAbi wide = TaskAbi::unsupported;    // of its 64-bit tasks
    TaskAbi narrow = TaskAbi::unsupported;  // of its 32-bit tasks
    Endian endian = Endian::little;         // of the tasks' memory
};

// By the name that uname -m gives there (the feature ARCH), else by its e_machine (E_MACHINE);
// x86-64 if there is neither.
[[nodiscard]] RecordedMachine recorded_machine(std::string_view arch, std::uint32_t elf_machine);

// What a sample recorded, under the numbers of RegisterFile, with the ABI of its task. A pc that
// cannot be found by numbers this build does not know stays unknown.
[[nodiscard]] RegisterFile registers_from_sample(const RecordedMachine& machine,
                                                 const RegsView& regs);

// The copied stack of that sample, whose registers are `registers`.
[[nodiscard]] StackMemory stack_from_sample(const RecordedMachine& machine,
                                            const RegisterFile& registers, ByteView bytes);

namespace architectures {
extern const Architecture aarch64, arm, i386, ppc64, riscv64, s390x, x86_64;
}  // namespace architectures

}  // namespace fgread
