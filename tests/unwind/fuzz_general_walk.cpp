// Input: the architecture (1 byte), .eh_frame (2-byte length before it), the stack dump (the same),
// then registers of 8 bytes. The section is code, too: stubs and trampolines are looked for in it,
// and the page above it is the vdso. The walk must end within its limits.
#include <array>
#include <cstdlib>
#include <vector>

#include "fuzz_input.h"
#include "unwind/architecture.h"
#include "unwind/static_modules.h"
#include "unwind/walker.h"

using namespace fgread;
using namespace fgread::test;

namespace {

constexpr std::uint64_t code_start = 0x1000, vdso_start = 0x10000, stack_base = 0x20000;

struct Choice {
    const char* arch;
    std::uint16_t elf_machine;
    std::uint64_t abi;  // PERF_SAMPLE_REGS_ABI_*
};
constexpr std::array<Choice, 7> choices{{{"x86_64", 3, 1},
                                         {"aarch64", 183, 2},
                                         {"armv7l", 40, 1},
                                         {"riscv64", 243, 2},
                                         {"s390x", 22, 2},
                                         {"ppc64", 21, 2},
                                         {"ppc64le", 21, 2}}};

class Provider final : public ModuleProvider {
public:
    explicit Provider(StaticModules& modules) : modules_(modules) {}
    MappingId vdso;

    CodeMapping resolve(MappingId mapping) override {
        CodeMapping result = modules_.resolve(mapping);
        result.vdso = mapping == vdso;
        return result;
    }
    std::optional<std::uint64_t> read_word(ModuleId module, Svma svma) override {
        return modules_.read_word(module, svma);
    }

private:
    StaticModules& modules_;
};

void check(bool condition) {
    if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    FuzzInput input(data, size);
    const Choice& choice = choices[input.u8() % choices.size()];
    const RecordedMachine machine = recorded_machine(choice.arch, 0);
    UnwindSections sections;
    sections.eh_frame = input.part();
    sections.eh_frame_address = {code_start};
    sections.endian = machine.endian;
    sections.address_size = choice.abi == 1 ? 4 : 8;
    sections.numbers = register_numbers_of(choice.elf_machine);
    const ByteView dump = input.part();

    const RegsView regs{choice.abi, ~std::uint64_t{0}, U64View(input.rest(), machine.endian)};
    RegisterFile registers = registers_from_sample(machine, regs);
    const unsigned sp = architecture_of(registers.abi()).registers.stack_pointer;
    registers.set(sp, stack_base);
    const StackMemory stack = stack_from_sample(machine, registers, dump);

    StaticModules modules;
    Provider provider(modules);
    AddressSpace space;
    const ModuleId module = modules.add(sections);
    modules.add_memory(module, Svma{code_start}, sections.eh_frame);
    modules.map(space, {}, module, Avma{code_start}, Avma{vdso_start}, 0);
    provider.vdso = modules.map(space, {}, {}, Avma{vdso_start}, Avma{vdso_start + 0x1000}, 0);

    constexpr std::uint32_t max_frames = 200;
    StackWalker walker(provider, {max_frames});
    std::vector<WalkedFrame> first, second;
    const WalkResult cold = walker.walk(space, {}, registers, stack, first);
    const WalkResult warm = walker.walk(space, {}, registers, stack, second);
    check(first.size() <= max_frames);
    check(!stop_reason_key(cold.reason).empty());
    check(cold.reason == warm.reason && first.size() == second.size());
    for (std::size_t i = 0; i < first.size(); ++i) check(first[i].frame == second[i].frame);
    return 0;
}
