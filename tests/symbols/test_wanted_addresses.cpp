#include <doctest/doctest.h>

#include <random>

#include "symbols/symbol_table.h"
#include "symbols/wanted_addresses.h"
#include "tests/symbols/elf_builder.h"

using namespace fgread;
using namespace fgread::test;

TEST_CASE("the next wanted page is that of an address or one behind it") {
    const auto wanted = WantedAddresses::of({0x5010, 0x2fff, 0x5020, 0x2fff});
    REQUIRE(wanted);
    CHECK(wanted->all() == std::vector<std::uint64_t>{0x2fff, 0x5010, 0x5020});
    CHECK(wanted->next_page(0) == 2);
    CHECK(wanted->next_page(0x2000) == 2);
    CHECK(wanted->next_page(0x3000) == 5);
    CHECK(wanted->next_page(0x5fff) == 5);
    CHECK(!wanted->next_page(0x6000));
    CHECK(wanted->place_of(0x2fff) == 0);
    CHECK(wanted->place_of(0x5020) == 2);
    CHECK(!wanted->place_of(0x2ffe));
    CHECK(!wanted->place_of(0x3000));
    CHECK(!wanted->place_of(0x5030));
    CHECK(wanted->contains(0x5010));
    CHECK(!wanted->contains(0x5011));
}

TEST_CASE("nothing wanted is found nowhere") {
    const auto wanted = WantedAddresses::of({});
    REQUIRE(wanted);
    CHECK(!wanted->next_page(0));
    CHECK(!wanted->contains(0));
}

TEST_CASE("addresses too far apart are not worth a table") {
    CHECK(!WantedAddresses::of({0, ~std::uint64_t{0}}));
    CHECK(WantedAddresses::of({~std::uint64_t{0}, ~std::uint64_t{0} - 5000}));
}

namespace {

constexpr std::uint64_t text = 0x10000, text_size = 0x40000;

// Symbols of all sizes and bindings, nested, overlapping, without a size, many at one address, and
// some that on Arm are none.
std::vector<TestSymbol> random_symbols(std::mt19937& random) {
    std::vector<TestSymbol> symbols;
    const auto below = [&](std::uint64_t limit) { return random() % limit; };
    const std::size_t count = 1 + below(300);
    for (std::size_t i = 0; i < count; ++i) {
        TestSymbol symbol;
        symbol.name = (below(6) == 0 ? "$d." : "f") + std::to_string(i);
        const bool again = !symbols.empty() && below(4) == 0;
        symbol.value = again ? symbols[below(symbols.size())].value : text + below(text_size);
        const std::uint64_t sizes[] = {0, 1 + below(64), 1 + below(0x3000), below(0x20000)};
        symbol.size = sizes[below(4)];
        const unsigned bindings[] = {0, 1, 2};
        symbol.binding = static_cast<decltype(symbol.binding)>(bindings[below(3)]);
        symbols.push_back(symbol);
    }
    return symbols;
}

std::string name_at(const SymbolTable& table, std::uint64_t address) {
    const auto found = table.find({address});
    return found ? std::string(found->name) : "-";
}

}  // namespace

TEST_CASE("a table read for some addresses names them as the whole table does") {
    std::mt19937 random(7);
    for (int round = 0; round < 300; ++round) {
        ElfBuilder elf;
        elf.add_text(text, text_size);
        elf.add_symbols(random_symbols(random));
        Bytes file = elf.bytes();
        if (round % 2 != 0) file[18] = std::byte{183};  // EM_AARCH64
        const auto image = ElfImage::read(file);
        REQUIRE(image);
        std::vector<std::uint64_t> addresses;
        const std::size_t count = 1 + random() % 20;
        for (std::size_t i = 0; i < count; ++i) {
            addresses.push_back(text - 0x1000 + random() % (text_size + 0x3000));
        }
        std::uint64_t malformed = 0, malformed_of_few = 0;
        const SymbolTable all = SymbolTable::read(*image, nullptr, malformed);
        const auto wanted = WantedAddresses::of(addresses);
        REQUIRE(wanted);
        const SymbolTable few = SymbolTable::read(*image, nullptr, malformed_of_few, &*wanted);
        CHECK(few.size() <= all.size());
        for (const std::uint64_t address : addresses) {
            REQUIRE(few.answers({address}));
            CHECK(name_at(few, address) == name_at(all, address));
        }
        // Up to `until` there are no others.
        for (const std::uint64_t address : addresses) {
            const auto found = few.find({address});
            if (!found) continue;
            for (const std::uint64_t other : addresses) {
                if (other < address || other >= found->until.value) continue;
                CHECK(name_at(all, other) == found->name);
            }
        }
    }
}

namespace {

// Both ways to read the symbols of an x86-64 and an AArch64 file name the address so.
void check_name_at(const Bytes& file, std::uint64_t address, const std::string& name) {
    const auto wanted = WantedAddresses::of({address});
    for (const unsigned machine : {62u, 183u}) {  // EM_X86_64, EM_AARCH64
        CAPTURE(machine);
        Bytes bytes = file;
        bytes[18] = std::byte(machine);
        const auto image = ElfImage::read(std::move(bytes));
        REQUIRE(image);
        std::uint64_t malformed = 0;
        CHECK(name_at(SymbolTable::read(*image, nullptr, malformed), address) == name);
        CHECK(name_at(SymbolTable::read(*image, nullptr, malformed, &*wanted), address) == name);
    }
}

}  // namespace

TEST_CASE("a symbol whose name is empty ends none, whatever table is read") {
    ElfBuilder elf;
    elf.add_text(0x10000, 0x4000);
    elf.add_symbols({{.name = "f", .value = 0x10010}, {.name = "g", .value = 0x10800}});
    Bytes& table = elf.sections[2].content;
    REQUIRE(table[2 * 24] == std::byte{3});
    table[2 * 24] = std::byte{2};  // the NUL between the two
    check_name_at(elf.bytes(), 0x11008, "f");
}

TEST_CASE("a symbol at address 0 without a size reaches into other pages, too") {
    ElfBuilder elf;
    elf.add_text(0, 0x4000);
    elf.add_symbols({{.name = "f", .value = 0}, {.name = "g", .value = 0x3000}});
    check_name_at(elf.bytes(), 0x2008, "f");
}

TEST_CASE("a table read for some addresses has no answer for others") {
    ElfBuilder elf;
    elf.add_text(0x1000, 0x1000);
    elf.add_symbols({{.name = "f", .value = 0x1010, .size = 0x10}});
    const auto wanted = WantedAddresses::of({0x1018});
    std::uint64_t malformed = 0;
    const SymbolTable table =
        SymbolTable::read(*ElfImage::read(elf.bytes()), nullptr, malformed, &*wanted);
    CHECK(table.answers({0x1018}));
    CHECK(!table.answers({0x1019}));
    CHECK(SymbolTable::read(*ElfImage::read(elf.bytes()), nullptr, malformed).answers({0x1019}));
}
