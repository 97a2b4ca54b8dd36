#include <doctest/doctest.h>

#include <initializer_list>
#include <string>

#include "symbols/demangle.h"
#include "symbols/symbol_table.h"
#include "tests/symbols/elf_builder.h"

using namespace fgread;
using namespace fgread::test;

namespace {

constexpr std::uint64_t plt = 0x2000;        // where .plt is
constexpr std::uint64_t got = 0x4000;        // where the slots are
constexpr std::uint64_t code_flags = 2 | 4;  // SHF_ALLOC, SHF_EXECINSTR
constexpr std::uint32_t rela = 4;            // SHT_RELA
constexpr std::uint64_t glob_dat = 6, jump_slot = 7, relative = 8;

// An image with the imported functions "memcpy" (slot 0) and "_ZdlPv" (slot 1).
class StubImage {
public:
    StubImage() {
        elf_.add_text(0x1000, 0x100);
        elf_.add_symbols({{.name = "memcpy", .section = 0}, {.name = "_ZdlPv", .section = 0}},
                         true);
    }

    void add_relocations(std::uint64_t type = jump_slot) {
        Bytes content;
        for (std::uint64_t symbol = 1; symbol <= 2; ++symbol) {
            put_u64(content, got + (symbol - 1) * 8);
            put_u64(content, (symbol << 32) | type);
            put_u64(content, 0);
        }
        elf_.add({.name = ".rela.plt", .type = rela, .content = content});
    }

    // The slot behind those two is memcpy's, too, but by .rela.dyn.
    void add_dynamic_relocation() {
        Bytes content;
        put_u64(content, got + 16);
        put_u64(content, std::uint64_t{1} << 32 | glob_dat);
        put_u64(content, 0);
        elf_.add({.name = ".rela.dyn", .type = rela, .content = content});
    }

    // Each stub is filled with int3 up to 16 bytes.
    void add_stubs(const char* name, std::uint64_t address,
                   std::initializer_list<std::initializer_list<unsigned>> stubs) {
        Bytes content;
        for (const auto& stub : stubs) {
            for (const unsigned byte : stub) content.push_back(static_cast<std::byte>(byte));
            content.resize((content.size() + 15) / 16 * 16, std::byte{0xcc});
        }
        elf_.add({.name = name, .flags = code_flags, .address = address, .content = content});
    }

    std::string at(std::uint64_t address) {
        const auto image = ElfImage::read(elf_.bytes());
        REQUIRE(image);
        std::uint64_t malformed = 0;
        const SymbolTable table = SymbolTable::read(*image, nullptr, malformed);
        const auto found = table.find({address});
        return found ? std::string(found->name) : "-";
    }

private:
    ElfBuilder elf_;
};

// The displacement of `jmp *slot(%rip)` whose next instruction is at `next`, little-endian.
constexpr unsigned byte_of(std::uint64_t slot, std::uint64_t next, unsigned which) {
    return static_cast<unsigned>((slot - next) >> (8 * which)) & 0xff;
}

}  // namespace

#define DISPLACEMENT(slot, next) \
    byte_of(slot, next, 0), byte_of(slot, next, 1), byte_of(slot, next, 2), byte_of(slot, next, 3)

TEST_CASE("a stub is named by the slot it jumps through") {
    StubImage image;
    image.add_relocations();
    image.add_stubs(".plt", plt,
                    {{0xff, 0x35, 0, 0, 0, 0},  // the first entry calls the dynamic linker
                     {0xff, 0x25, DISPLACEMENT(got, plt + 0x16), 0x68, 0, 0, 0, 0},
                     {0xff, 0x25, DISPLACEMENT(got + 8, plt + 0x26), 0x68, 1, 0, 0, 0}});
    CHECK(image.at(plt) == "-");
    CHECK(image.at(plt + 0x10) == "memcpy@plt");
    CHECK(image.at(plt + 0x1f) == "memcpy@plt");
    CHECK(image.at(plt + 0x20) == "_ZdlPv@plt");
    CHECK(image.at(plt + 0x30) == "-");
}

TEST_CASE("stubs of indirect branch tracking are named, both halves") {
    StubImage image;
    image.add_relocations();
    // endbr64; push $1; bnd jmp
    image.add_stubs(".plt", plt,
                    {{0xf3, 0x0f, 0x1e, 0xfa, 0x68, 1, 0, 0, 0, 0xf2, 0xe9, 0, 0, 0, 0}});
    // endbr64; bnd jmp *slot(%rip)
    image.add_stubs(".plt.sec", plt + 0x100,
                    {{0xf3, 0x0f, 0x1e, 0xfa, 0xf2, 0xff, 0x25, DISPLACEMENT(got, plt + 0x10b)}});
    CHECK(image.at(plt) == "_ZdlPv@plt");
    CHECK(image.at(plt + 0x100) == "memcpy@plt");
}

TEST_CASE("a stub may jump through a slot of .rela.dyn, with and without .rela.plt") {
    for (const bool has_lazy : {true, false}) {
        StubImage image;
        image.add_dynamic_relocation();
        if (has_lazy) image.add_relocations();
        image.add_stubs(".plt", plt, {{0xff, 0x25, DISPLACEMENT(got, plt + 6)}});
        image.add_stubs(".plt.got", plt + 0x100,
                        {{0xff, 0x25, DISPLACEMENT(got + 16, plt + 0x106)}});
        CHECK(image.at(plt) == (has_lazy ? "memcpy@plt" : "-"));
        CHECK(image.at(plt + 0x100) == "memcpy@plt");
    }
}

TEST_CASE("a stub of a function without a name has none") {
    StubImage image;
    image.add_relocations(relative);
    image.add_stubs(".plt", plt, {{0xff, 0x25, DISPLACEMENT(got, plt + 6)}});
    CHECK(image.at(plt) == "-");
}

TEST_CASE("the name in front of @plt is demangled") {
    CHECK(demangle("_ZdlPv@plt") == "operator delete@plt");
    CHECK(demangle("memcpy@plt") == "memcpy@plt");
    CHECK(strip_version("memcpy@plt") == "memcpy@plt");
}
