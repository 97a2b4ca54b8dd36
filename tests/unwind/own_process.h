// Test support: this very process as modules, registers and stack memory.
#pragma once

#include <vector>

#include "perfdata/address_space.h"
#include "unwind/registers.h"
#include "unwind/stack_memory.h"
#include "unwind/static_modules.h"

namespace fgread::test {

// Adds what dl_iterate_phdr lists: .eh_frame_hdr from PT_GNU_EH_FRAME, .eh_frame by its pointer.
void add_own_modules(StaticModules& modules, AddressSpace& space);

// Registers and stack as they were when capture() was called, as a sample would hold them.
class OwnStack {
public:
    // For the stack of the calling thread, of which `dump_size` bytes will be kept.
    explicit OwnStack(std::size_t dump_size);

    // Copies from the stack pointer upwards. May be called in a signal handler.
    [[gnu::noinline]] void capture();

    [[nodiscard]] const RegisterFile& registers() const { return registers_; }
    [[nodiscard]] StackMemory stack() const { return {Avma{base_}, bytes_}; }

private:
    RegisterFile registers_;
    std::uint64_t stack_end_;
    std::uint64_t base_ = 0;
    std::vector<std::byte> bytes_;
};

}  // namespace fgread::test
