#include <doctest/doctest.h>

#include "support/cfi_builder.h"
#include "unwind/architecture.h"

using namespace fgread;
using fgread::test::CfiBytes;

namespace {

constexpr std::uint64_t abi_32_bit = 1, abi_64_bit = 2;

// A sample of these registers (perf's numbers), whose values are 0x100 + the number.
RegisterFile sample_of(std::string_view arch, std::uint64_t mask, std::uint64_t abi = abi_64_bit) {
    CfiBytes values;
    for (unsigned number = 0; number < 64; ++number) {
        if ((mask >> number) & 1) values.u64(0x100 + number);
    }
    return registers_from_sample(recorded_machine(arch, 0),
                                 {abi, mask, U64View(values.view(), Endian::little)});
}

// What perf asks for.
constexpr std::uint64_t x86_mask = 0xff0fff, arm64_mask = 0x1'ffff'ffff, riscv_mask = 0xffff'ffff,
                        s390_mask = 0x3'ffff'ffff, ppc_mask = 0x1fff'ffff'ffff;

}  // namespace

TEST_CASE("32-bit tasks on x86-64: i386 by the kernel's numbers") {
    const RegisterFile file = sample_of("x86_64", x86_mask, abi_32_bit);
    CHECK(file.abi() == TaskAbi::i386);
    const unsigned perf_of_dwarf[] = {0, 2, 3, 1, 7, 6, 4, 5, 8};
    for (unsigned reg = 0; reg < 9; ++reg) CHECK(file[reg] == 0x100 + perf_of_dwarf[reg]);
    CHECK(file.valid_mask() == 0x1ff);
}

TEST_CASE("aarch64, and 32-bit tasks on it") {
    const RegisterFile file = sample_of("aarch64", arm64_mask);
    CHECK(file.abi() == TaskAbi::aarch64);
    for (unsigned reg = 0; reg < 33; ++reg) CHECK(file[reg] == 0x100 + reg);
    const RegisterFile narrow = sample_of("aarch64", arm64_mask, abi_32_bit);
    CHECK(narrow.abi() == TaskAbi::arm);
    CHECK(narrow.valid_mask() == 0xffff);
    CHECK(sample_of("armv7l", 0xffff, abi_32_bit).abi() == TaskAbi::arm);
}

TEST_CASE("riscv64: perf's register 0 is the pc") {
    const RegisterFile file = sample_of("riscv64", riscv_mask);
    CHECK(file.abi() == TaskAbi::riscv64);
    CHECK_FALSE(file.has(0));
    for (unsigned reg = 1; reg < 32; ++reg) CHECK(file[reg] == 0x100 + reg);
    CHECK(file[architectures::riscv64.registers.pc] == 0x100);
}

TEST_CASE("s390x: floating-point registers in DWARF's order, the pc behind them") {
    const RegisterFile file = sample_of("s390x", s390_mask);
    CHECK(file.abi() == TaskAbi::s390x);
    for (unsigned reg = 0; reg < 16; ++reg) CHECK(file[reg] == 0x100 + reg);
    const unsigned in_dwarf_order[] = {0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15};
    for (unsigned i = 0; i < 16; ++i) CHECK(file[16 + i] == 0x110 + in_dwarf_order[i]);
    CHECK(file[architectures::s390x.registers.pc] == 0x121);
    CHECK(recorded_machine("s390x", 0).endian == Endian::big);
}

TEST_CASE("ppc64: nip and link") {
    const RegisterFile file = sample_of("ppc64le", ppc_mask);
    CHECK(file.abi() == TaskAbi::ppc64);
    for (unsigned reg = 0; reg < 32; ++reg) CHECK(file[reg] == 0x100 + reg);
    CHECK(file[architectures::ppc64.registers.pc] == 0x120);
    CHECK(file[register_numbers_of(21).place_of(65)] == 0x124);
    CHECK(recorded_machine("ppc64le", 0).endian == Endian::little);
    CHECK(recorded_machine("ppc64", 0).endian == Endian::big);
}

TEST_CASE("a recording without ARCH goes by E_MACHINE, one without either is x86-64's") {
    CHECK(recorded_machine("", 183).wide == TaskAbi::aarch64);
    CHECK(recorded_machine("", 22).wide == TaskAbi::s390x);
    CHECK(recorded_machine("", 0).wide == TaskAbi::x86_64);
    CHECK(recorded_machine("riscv64", 62).wide == TaskAbi::riscv64);
}

TEST_CASE("an architecture that is not known: no register has a meaning") {
    for (const char* arch : {"mips64", "aarch64_be", "armv7b", "sparc64"}) {
        const RegisterFile file = sample_of(arch, x86_mask);
        CHECK(file.abi() == TaskAbi::unsupported);
        CHECK(file.valid_mask() == 0);
    }
    CHECK(sample_of("s390x", s390_mask, abi_32_bit).abi() == TaskAbi::unsupported);
}

TEST_CASE("a DWARF number that an architecture does not track has no place") {
    const RegisterNumbers s390x = register_numbers_of(22), ppc64 = register_numbers_of(21);
    CHECK(s390x.place_of(31) == 31);
    CHECK(s390x.place_of(33) == RegisterNumbers::not_tracked);  // an access register
    CHECK(s390x.place_of(65) == 33);
    CHECK(ppc64.place_of(32) == RegisterNumbers::not_tracked);  // f0
    CHECK(ppc64.place_of(0) == 0);
    CHECK(register_numbers_of(62).place_of(33) == 33);
    CHECK(register_numbers_of(62).place_of(34) == RegisterNumbers::not_tracked);
}
