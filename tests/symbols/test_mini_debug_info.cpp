#include <doctest/doctest.h>

#include "symbols/mini_debug_info.h"
#include "symbols/symbol_table.h"
#include "tests/symbols/xz_builder.h"

using namespace fgread;
using namespace fgread::test;

namespace {

ElfBuilder program() {
    ElfBuilder elf;
    elf.add_text(0x1000, 0x1000);
    return elf;
}

// What is left in .gnu_debugdata: the symbols of static functions.
Bytes mini(const std::string& name = "static_function") {
    ElfBuilder elf = program();
    elf.add_symbols({{.name = name, .value = 0x1100, .size = 0x100, .binding = 0}});
    return elf.bytes();
}

ElfImage stripped(const Bytes& debug_data) {
    ElfBuilder elf = program();
    elf.add_symbols({{.name = "exported", .value = 0x1000, .size = 0x100}}, true);
    elf.add({.name = ".gnu_debugdata", .content = debug_data});
    auto image = ElfImage::read(elf.bytes());
    REQUIRE(image);
    return std::move(*image);
}

std::string name_at(const SymbolTable& table, std::uint64_t address) {
    const auto found = table.find({address});
    return found ? std::string(found->name) : "-";
}

}  // namespace

TEST_CASE("MiniDebugInfo names what .dynsym does not") {
    std::uint64_t malformed = 0;
    const SymbolTable table = SymbolTable::read(stripped(xz_of(mini())), nullptr, malformed);
    CHECK(name_at(table, 0x1010) == "exported");
    CHECK(name_at(table, 0x1110) == "static_function");
    CHECK(name_at(table, 0x1210) == "-");
    CHECK(malformed == 0);
}

TEST_CASE("MiniDebugInfo is not read beside a .symtab") {
    std::uint64_t malformed = 0;
    ElfBuilder full = program();
    full.add_symbols({{.name = "full", .value = 0x1100, .size = 0x100}});
    SUBCASE("of the debug file") {
        const auto debug = ElfImage::read(full.bytes());
        REQUIRE(debug);
        const SymbolTable table = SymbolTable::read(stripped(xz_of(mini())), &*debug, malformed);
        CHECK(name_at(table, 0x1110) == "full");
    }
    SUBCASE("of the binary") {
        full.add({.name = ".gnu_debugdata", .content = xz_of(mini())});
        const auto image = ElfImage::read(full.bytes());
        REQUIRE(image);
        const SymbolTable table = SymbolTable::read(*image, nullptr, malformed);
        CHECK(name_at(table, 0x1110) == "full");
    }
}

TEST_CASE("MiniDebugInfo that is damaged, a bomb, or of another machine is as good as none") {
    Bytes cut = xz_of(mini());
    cut.resize(cut.size() / 2);
    Bytes other_machine = mini();
    other_machine[18] = std::byte{183};  // e_machine: EM_AARCH64
    Bytes bomb = mini();
    bomb.resize(64 << 20);
    for (const Bytes& data : {cut, xz_of(other_machine), xz_of(bomb), xz_of(bytes_of("not ELF")),
                              xz_of({}), bytes_of("not xz"), Bytes{}}) {
        const ElfImage image = stripped(data);
        CHECK_FALSE(read_mini_debug_info(image));
        std::uint64_t malformed = 0;
        const SymbolTable table = SymbolTable::read(image, nullptr, malformed);
        CHECK(name_at(table, 0x1010) == "exported");
        CHECK(name_at(table, 0x1110) == "-");
    }
}

TEST_CASE("MiniDebugInfo inside MiniDebugInfo is not followed") {
    ElfBuilder inner = program();
    inner.add({.name = ".gnu_debugdata", .content = xz_of(mini())});
    std::uint64_t malformed = 0;
    const SymbolTable table = SymbolTable::read(stripped(xz_of(inner.bytes())), nullptr, malformed);
    CHECK(name_at(table, 0x1110) == "-");
}
