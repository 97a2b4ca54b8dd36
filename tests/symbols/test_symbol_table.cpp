#include <doctest/doctest.h>

#include "symbols/symbol_table.h"
#include "tests/symbols/elf_builder.h"

using namespace fgread;
using namespace fgread::test;

namespace {

constexpr unsigned notype = 0, object = 1, ifunc = 10;
constexpr unsigned local = 0, global = 1, weak = 2, unique = 10;

class Table {
public:
    explicit Table(const std::vector<TestSymbol>& symbols) {
        ElfBuilder elf;
        elf.add_text(0x1000, 0x1000);
        elf.add_symbols(symbols);
        const auto image = ElfImage::read(elf.bytes());
        REQUIRE(image);
        table_ = SymbolTable::read(*image, nullptr, malformed);
    }
    std::string at(std::uint64_t address) const {
        const auto found = table_.find({address});
        return found ? std::string(found->name) : "-";
    }
    std::uint64_t start(std::uint64_t address) const { return table_.find({address})->start.value; }
    std::uint64_t malformed = 0;

private:
    SymbolTable table_;
};

}  // namespace

TEST_CASE("an address belongs to the symbol around it and to none outside") {
    const Table table({{.name = "f", .value = 0x1010, .size = 0x10},
                       {.name = "g", .value = 0x1030, .size = 0x10}});
    CHECK(table.at(0x100f) == "-");
    CHECK(table.at(0x1010) == "f");
    CHECK(table.at(0x101f) == "f");
    CHECK(table.at(0x1020) == "-");
    CHECK(table.at(0x1030) == "g");
    CHECK(table.at(0x1040) == "-");
    CHECK(table.at(0) == "-");
    CHECK(table.at(~std::uint64_t{0}) == "-");
}

TEST_CASE("a symbol without a size reaches to the next one") {
    const Table table({{.name = "_start", .value = 0x1000, .type = notype},
                       {.name = "f", .value = 0x1020, .size = 0x10},
                       {.name = "_fini", .value = 0x1100}});
    CHECK(table.at(0x101f) == "_start");
    CHECK(table.at(0x1020) == "f");
    CHECK(table.at(0x1030) == "-");
    CHECK(table.at(0x1100) == "_fini");
    CHECK(table.at(0x2fff) == "_fini");  // a page after its own page
    CHECK(table.at(0x3000) == "-");
}

TEST_CASE("inside a symbol the innermost one counts, and the outer one goes on after it") {
    const Table table({{.name = "outer", .value = 0x1000, .size = 0x100},
                       {.name = "inner", .value = 0x1040, .size = 0x10},
                       {.name = "deep", .value = 0x1044, .size = 4},
                       {.name = "crossing", .value = 0x10f0, .size = 0x20}});
    CHECK(table.at(0x103f) == "outer");
    CHECK(table.at(0x1040) == "inner");
    CHECK(table.at(0x1044) == "deep");
    CHECK(table.at(0x1048) == "inner");
    CHECK(table.at(0x1050) == "outer");
    CHECK(table.at(0x10ff) == "crossing");
    CHECK(table.at(0x110f) == "crossing");
    CHECK(table.at(0x1110) == "-");
}

TEST_CASE("a symbol begins where it does, also behind one that it contains") {
    const Table table({{.name = "outer", .value = 0x1000, .size = 0x100},
                       {.name = "inner", .value = 0x1040, .size = 0x10},
                       {.name = "deep", .value = 0x1044, .size = 4},
                       {.name = "next", .value = 0x1050, .size = 0x10},
                       {.name = "alone", .value = 0x1200, .size = 0x10}});
    CHECK(table.start(0x103f) == 0x1000);
    CHECK(table.start(0x1043) == 0x1040);
    CHECK(table.start(0x1047) == 0x1044);
    CHECK(table.start(0x104f) == 0x1040);
    CHECK(table.start(0x105f) == 0x1050);
    CHECK(table.start(0x10ff) == 0x1000);
    CHECK(table.start(0x120f) == 0x1200);
}

TEST_CASE("among aliases one with a size comes before one without, unless that is the last") {
    const Table table({{.name = "unsized", .value = 0x1000, .binding = global},
                       {.name = "sized", .value = 0x1000, .size = 8, .binding = weak},
                       {.name = "weak_sized", .value = 0x1010, .size = 8, .binding = weak},
                       {.name = "last", .value = 0x1010, .binding = global},
                       {.name = "next", .value = 0x1020, .size = 8}});
    CHECK(table.at(0x1000) == "sized");
    CHECK(table.at(0x1010) == "last");
    CHECK(table.at(0x101f) == "last");
}

TEST_CASE("among aliases without a size the last one of the file is named") {
    const Table table({{.name = "first", .value = 0x1000},
                       {.name = "last", .value = 0x1000},
                       {.name = "next", .value = 0x1010}});
    CHECK(table.at(0x1000) == "last");
}

TEST_CASE("among aliases global comes before local, and weak last") {
    const Table table({{.name = "a_local", .value = 0x1000, .size = 8, .binding = local},
                       {.name = "g", .value = 0x1000, .size = 8, .binding = global},
                       {.name = "a_weak_one", .value = 0x1000, .size = 8, .binding = weak},
                       {.name = "l", .value = 0x1010, .size = 8, .binding = local},
                       {.name = "weak_one", .value = 0x1010, .size = 8, .binding = weak}});
    CHECK(table.at(0x1000) == "g");
    CHECK(table.at(0x1010) == "l");
}

TEST_CASE("among equal bindings: fewer underscores, then the longer, then the first") {
    const Table table({{.name = "__libc_malloc", .value = 0x1000, .size = 8},
                       {.name = "malloc", .value = 0x1000, .size = 8},
                       {.name = "read", .value = 0x1010, .size = 8},
                       {.name = "longer_name", .value = 0x1010, .size = 8},
                       {.name = "same1", .value = 0x1020, .size = 8},
                       {.name = "same2", .value = 0x1020, .size = 8}});
    CHECK(table.at(0x1000) == "malloc");
    CHECK(table.at(0x1010) == "longer_name");
    CHECK(table.at(0x1020) == "same1");
}

TEST_CASE("mangled aliases are compared as they are shown") {
    // Shown they are "ccccc" and "a::bb", equally long; mangled, the second is longer.
    const Table table({{.name = "_Z5cccccv", .value = 0x1000, .size = 8},
                       {.name = "_ZN1a2bbEv", .value = 0x1000, .size = 8},
                       {.name = "_ZN1XC1Ev", .value = 0x1010, .size = 8},
                       {.name = "_ZN1XC2Ev", .value = 0x1010, .size = 8}});
    CHECK(table.at(0x1000) == "_Z5cccccv");
    CHECK(table.at(0x1010) == "_ZN1XC1Ev");
}

TEST_CASE("functions and labels of code are named, nothing else is") {
    const Table table(
        {{.name = "data", .value = 0x1000, .size = 8, .type = object},
         {.name = "resolver", .value = 0x1010, .size = 8, .type = ifunc},
         {.name = "undefined", .value = 0x1020, .size = 8, .section = 0},
         {.name = "absolute", .value = 0x1030, .size = 8, .section = 0xfff1},
         {.name = "no_section", .value = 0x1040, .size = 8, .section = 99},
         {.name = "in_strings", .value = 0x1050, .size = 8, .section = 2},
         {.name = ".annobin_x.end", .value = 0x1060, .size = 8, .type = notype, .visibility = 2},
         {.name = "hidden", .value = 0x1070, .size = 8, .visibility = 2},
         {.name = "unique", .value = 0x1080, .size = 8, .binding = unique}});
    CHECK(table.at(0x1000) == "-");
    CHECK(table.at(0x1010) == "resolver");
    CHECK(table.at(0x1020) == "-");
    CHECK(table.at(0x1030) == "-");
    CHECK(table.at(0x1040) == "-");
    CHECK(table.at(0x1050) == "-");
    CHECK(table.at(0x1060) == "-");
    CHECK(table.at(0x1070) == "hidden");
    CHECK(table.at(0x1080) == "unique");
    CHECK(table.malformed == 0);
}

TEST_CASE("sizes that wrap around the address space end at its end") {
    const Table table({{.name = "f", .value = 0x1000, .size = ~std::uint64_t{0}},
                       {.name = "g", .value = 0x1100, .size = 0x10}});
    CHECK(table.at(0x1100) == "g");
    CHECK(table.at(0x1110) == "f");
    CHECK(table.at(0xfffffffffffffffe) == "f");
}

TEST_CASE("names outside the string table are counted and skipped") {
    ElfBuilder elf;
    elf.add_text(0x1000, 0x1000);
    elf.add_symbols({{.name = "f", .value = 0x1000, .size = 8}});
    elf.sections.back().content[24] = std::byte{200};  // st_name of the first real symbol
    const auto image = ElfImage::read(elf.bytes());
    REQUIRE(image);
    std::uint64_t malformed = 0;
    CHECK(SymbolTable::read(*image, nullptr, malformed).empty());
    CHECK(malformed == 1);
}

TEST_CASE("a string table without an end, or none at all, does no harm") {
    ElfBuilder elf;
    elf.add_text(0x1000, 0x1000);
    elf.add_symbols({{.name = "f", .value = 0x1000, .size = 8}});
    std::uint64_t malformed = 0;
    SUBCASE("no NUL at the end") {
        elf.sections[1].content.pop_back();
        const auto image = ElfImage::read(elf.bytes());
        const SymbolTable table = SymbolTable::read(*image, nullptr, malformed);
        CHECK(table.find({0x1000})->name == "f");
    }
    SUBCASE("link to itself") {
        elf.sections[2].link = 3;
        CHECK(SymbolTable::read(*ElfImage::read(elf.bytes()), nullptr, malformed).empty());
    }
    SUBCASE("link beyond the sections") {
        elf.sections[2].link = 77;
        CHECK(SymbolTable::read(*ElfImage::read(elf.bytes()), nullptr, malformed).empty());
    }
    SUBCASE("outside the file") {
        elf.sections[1].false_offset = 1 << 30;
        CHECK(SymbolTable::read(*ElfImage::read(elf.bytes()), nullptr, malformed).empty());
        CHECK(malformed == 1);
    }
}

TEST_CASE("the debug file's .symtab comes first, .dynsym is used too where there is nothing else") {
    ElfBuilder stripped;
    stripped.add_text(0x1000, 0x1000);
    stripped.add_symbols({{.name = "exported", .value = 0x1000, .size = 8}}, true);
    ElfBuilder debug;
    debug.add_text(0x1000, 0x1000);
    debug.add_symbols({{.name = "exported", .value = 0x1000, .size = 8},
                       {.name = "internal", .value = 0x1010, .size = 8, .binding = local}});
    const auto binary = ElfImage::read(stripped.bytes());
    const auto debug_image = ElfImage::read(debug.bytes());
    std::uint64_t malformed = 0;
    const SymbolTable without = SymbolTable::read(*binary, nullptr, malformed);
    CHECK(without.find({0x1000})->name == "exported");
    CHECK_FALSE(without.find({0x1010}));
    const SymbolTable with = SymbolTable::read(*binary, &*debug_image, malformed);
    CHECK(with.find({0x1010})->name == "internal");
}

TEST_CASE("mapping symbols of Arm are not names") {
    ElfBuilder elf;
    elf.add_text(0x1000, 0x1000);
    elf.add_symbols({{.name = "f", .value = 0x1000, .size = 0x20, .binding = local},
                     {.name = "$x", .value = 0x1000, .type = notype, .binding = local},
                     {.name = "$d.4", .value = 0x1010, .type = notype, .binding = local}});
    Bytes file = elf.bytes();
    file[18] = std::byte{183};  // EM_AARCH64
    std::uint64_t malformed = 0;
    const SymbolTable table = SymbolTable::read(*ElfImage::read(file), nullptr, malformed);
    CHECK(table.find({0x1010})->name == "f");
}
