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

// Where the kernel puts the registers of what a signal interrupted (struct rt_sigframe in
// arch/*/kernel/signal.c), for where call-frame information does not say it, or not all of it: the
// vdso is no file and seldom at hand, and the one of aarch64 only leads to pc and frame pointer.
// All places are bytes above the stack pointer of the trampoline, to which a handler returns.
struct SignalFrame {
    std::uint16_t registers = 0;  // perf's register 0; the following ones in words behind it
    std::uint8_t register_count = 0;
    std::uint16_t pc = 0;
    // A word that points to the other place, by which the frame is known; 0: none.
    std::uint16_t pointer = 0, pointed_to = 0;
    // The code of a trampoline outside the vdso, as a little-endian word; mask 0: there is none.
    std::uint64_t code = 0, code_mask = 0;

    // Whether the code at a trampoline's first byte is that.
    [[nodiscard]] bool is_at(std::uint64_t bytes) const {
        return code_mask != 0 && (bytes & code_mask) == code;
    }
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
    // Whether the code at a pc (eight bytes as ModuleProvider::read_word reads them) has no frame:
    // the return address is in the link register or on top of the stack.
    bool (*is_frameless)(std::uint64_t code) = nullptr;
    // Whether a call may leave this return address, by the eight bytes of code before it. Null
    // unless some of its rules hold at calls only.
    bool (*is_behind_call)(std::uint64_t code, std::uint64_t return_address) = nullptr;
    std::span<const SignalFrame> signals{};
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
