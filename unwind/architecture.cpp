#include "unwind/architecture.h"

#include <array>
#include <bit>

#include "unwind/x86_64.h"

namespace fgread {
namespace {

// e_machine: System V ABI (gabi), chapter 4.
constexpr std::uint32_t em_none = 0, em_386 = 3, em_ppc64 = 21, em_s390 = 22, em_arm = 40,
                        em_x86_64 = 62, em_aarch64 = 183, em_riscv = 243;

constexpr std::uint64_t abi_32_bit = 1, abi_64_bit = 2;  // PERF_SAMPLE_REGS_ABI_*

constexpr RecordedMachine x86{TaskAbi::x86_64, TaskAbi::i386};
// Its 32-bit tasks are seen through the first 16 of its own register numbers, as arm has them.
constexpr RecordedMachine arm{TaskAbi::aarch64, TaskAbi::arm};
constexpr RecordedMachine riscv64{TaskAbi::riscv64};
constexpr RecordedMachine s390x{TaskAbi::s390x, TaskAbi::unsupported, Endian::big};
constexpr RecordedMachine ppc64{TaskAbi::ppc64, TaskAbi::unsupported, Endian::big};
constexpr RecordedMachine ppc64le{TaskAbi::ppc64};

struct Name {
    std::string_view name;
    RecordedMachine machine;
};
constexpr std::array<Name, 10> machine_names{{{"x86_64", x86},
                                              {"i386", x86},
                                              {"i486", x86},
                                              {"i586", x86},
                                              {"i686", x86},
                                              {"arm64", arm},
                                              {"riscv64", riscv64},
                                              {"s390x", s390x},
                                              {"ppc64", ppc64},
                                              {"ppc64le", ppc64le}}};

RecordedMachine machine_of_name(std::string_view arch) {
    for (const Name& each : machine_names) {
        if (each.name == arch) return each.machine;
    }
    const bool big = arch == "aarch64_be" || (arch.starts_with("arm") && arch.ends_with("b"));
    if (!big && (arch.starts_with("aarch64") || arch.starts_with("arm"))) return arm;
    return {};
}

RecordedMachine machine_of_elf(std::uint32_t elf_machine) {
    switch (elf_machine) {
        case em_none:
        case em_x86_64:
        case em_386:
            return x86;
        case em_aarch64:
        case em_arm:
            return arm;
        case em_riscv:
            return riscv64;
        case em_s390:
            return s390x;
        default:
            return {};  // em_ppc64 does not say the order of bytes
    }
}

}  // namespace

const Architecture& architecture_of(TaskAbi abi) {
    switch (abi) {
        case TaskAbi::i386:
            return architectures::i386;
        case TaskAbi::aarch64:
            return architectures::aarch64;
        case TaskAbi::arm:
            return architectures::arm;
        case TaskAbi::riscv64:
            return architectures::riscv64;
        case TaskAbi::s390x:
            return architectures::s390x;
        case TaskAbi::ppc64:
            return architectures::ppc64;
        case TaskAbi::x86_64:
        case TaskAbi::unsupported:
            break;
    }
    return architectures::x86_64;
}

RegisterNumbers register_numbers_of(std::uint16_t elf_machine) {
    switch (elf_machine) {
        case em_riscv:
            return architectures::riscv64.words.numbers;
        case em_s390:
            return architectures::s390x.words.numbers;
        case em_ppc64:
            return architectures::ppc64.words.numbers;
        default:
            return {};
    }
}

RecordedMachine recorded_machine(std::string_view arch, std::uint32_t elf_machine) {
    return arch.empty() ? machine_of_elf(elf_machine) : machine_of_name(arch);
}

RegisterFile registers_from_sample(const RecordedMachine& machine, const RegsView& regs) {
    TaskAbi abi = TaskAbi::unsupported;
    if (regs.abi == abi_64_bit) abi = machine.wide;
    if (regs.abi == abi_32_bit) abi = machine.narrow;
    if (abi == TaskAbi::x86_64) return x86_64::registers_from_sample(regs);

    RegisterFile result;
    result.set_abi(abi);
    if (abi == TaskAbi::unsupported) return result;
    const Architecture& arch = architecture_of(abi);
    std::size_t at = 0;
    for (std::uint64_t left = regs.mask; left != 0 && at < regs.values.size();
         left &= left - 1, ++at) {
        const auto number = static_cast<std::size_t>(std::countr_zero(left));
        if (number >= arch.places_of_perf.size()) break;
        const std::uint8_t place = arch.places_of_perf[number];
        if (place != no_place) result.set(place, regs.values[at]);
    }
    return result;
}

StackMemory stack_from_sample(const RecordedMachine& machine, const RegisterFile& registers,
                              ByteView bytes) {
    const unsigned sp = architecture_of(registers.abi()).registers.stack_pointer;
    return {Avma{registers.has(sp) ? registers[sp] : 0}, bytes, machine.endian};
}

}  // namespace fgread
