#include <doctest/doctest.h>
#include <elf.h>

#include "symbols/elf_image.h"
#include "symbols/placed_module.h"
#include "symbols/symbol_table.h"
#include "tests/symbols/elf_builder.h"

using namespace fgread;
using namespace fgread::test;

namespace {

constexpr std::uint64_t code_flags = SHF_ALLOC | SHF_EXECINSTR;

ElfBuilder module() {
    ElfBuilder elf;
    elf.type = ET_REL;
    elf.add({.name = ".text", .flags = code_flags, .content = Bytes(0x105)});
    elf.add({.name = ".init.text", .flags = code_flags, .content = Bytes(0x40)});
    elf.add({.name = ".data", .flags = SHF_ALLOC | SHF_WRITE, .content = Bytes(0x40)});
    elf.add({.name = ".text.unlikely", .flags = code_flags, .content = Bytes(0x20)});
    elf.add_symbols({{.name = "first", .value = 0x10, .size = 0x10, .section = 1},
                     {.name = "init", .value = 0, .size = 0x10, .section = 2},
                     {.name = "cold", .value = 0x8, .size = 0x8, .section = 4}});
    return elf;
}

void put_relocation(Bytes& bytes, std::uint64_t offset, std::uint64_t symbol, std::uint32_t type,
                    std::uint64_t addend) {
    put_u64(bytes, offset);
    put_u64(bytes, symbol << 32 | type);
    put_u64(bytes, addend);
}

std::string name_at(const Bytes& file, std::uint64_t address) {
    const std::optional<ElfImage> image = ElfImage::read(file);
    REQUIRE(image);
    std::uint64_t malformed = 0;
    const SymbolTable symbols = SymbolTable::read(*image, nullptr, malformed);
    const auto found = symbols.find(Svma{address});
    return found ? std::string(found->name) : "-";
}

std::uint64_t word_at(const Bytes& file, std::string_view section, std::size_t at) {
    const std::optional<ElfImage> image = ElfImage::read(file);
    REQUIRE(image);
    const Section* found = image->find_section(section);
    REQUIRE(found != nullptr);
    const OwnedBytes content = image->contents(*found);
    ByteReader reader(content.view(), Endian::little);
    reader.skip(at);
    return reader.u64();
}

}  // namespace

TEST_CASE("executable sections lie one after the other, without those of the start") {
    const auto placed = place_module(module().bytes());
    REQUIRE(placed);
    CHECK(name_at(*placed, placed_module_base + 0x10) == "first");
    CHECK(name_at(*placed, placed_module_base + 0x1f) == "first");
    CHECK(name_at(*placed, placed_module_base + 0x20) == "-");
    const std::optional<ElfImage> image = ElfImage::read(*placed);
    const std::uint64_t cold = image->find_section(".text.unlikely")->address.value;
    CHECK(cold >= placed_module_base + 0x105);
    CHECK(cold < placed_module_base + 0x105 + 64);
    CHECK(name_at(*placed, cold + 8) == "cold");
    CHECK(image->find_section(".init.text")->address.value == 0);
}

TEST_CASE("debug sections are relocated, and nobody sees that they had to be") {
    ElfBuilder elf = module();
    Bytes info(32);
    const std::uint16_t debug = elf.add({.name = ".debug_info", .content = info});
    Bytes relocations;
    put_relocation(relocations, 0, 1, R_X86_64_64, 2);
    put_relocation(relocations, 8, 3, R_X86_64_32, 1);
    put_relocation(relocations, 16, 1, R_X86_64_PC32, 1);  // not for debug information
    put_relocation(relocations, 28, 1, R_X86_64_64, 1);    // beyond the end
    put_relocation(relocations, ~std::uint64_t{0}, 1, R_X86_64_64, 1);
    put_relocation(relocations, 16, 0xffffffff, R_X86_64_64, 1);  // no such symbol
    elf.add({.name = ".rela.debug_info", .type = SHT_RELA, .content = relocations, .link = 5});
    Bytes file = elf.bytes();
    // The builder knows no sh_info: it is the 45th byte of the header of .rela.debug_info.
    const std::optional<ElfImage> before = ElfImage::read(file);
    REQUIRE(before);
    std::size_t number = 0;
    while (before->sections()[number].name != ".rela.debug_info") ++number;
    ByteReader header(file, Endian::little);
    header.skip(40);
    const std::uint64_t table = header.u64();
    file[table + number * sizeof(Elf64_Shdr) + offsetof(Elf64_Shdr, sh_info)] = std::byte(debug);
    std::size_t symbols = 0;
    while (before->sections()[symbols].type != SHT_SYMTAB) ++symbols;
    file[table + number * sizeof(Elf64_Shdr) + offsetof(Elf64_Shdr, sh_link)] = std::byte(symbols);

    const auto placed = place_module(file);
    REQUIRE(placed);
    CHECK(word_at(*placed, ".debug_info", 0) == placed_module_base + 0x10 + 2);
    const std::uint64_t cold =
        ElfImage::read(*placed)->find_section(".text.unlikely")->address.value;
    CHECK(word_at(*placed, ".debug_info", 8) == cold + 8 + 1);
    CHECK(word_at(*placed, ".debug_info", 16) == 0);
    CHECK(word_at(*placed, ".debug_info", 24) == 0);
    CHECK(ElfImage::read(*placed)->find_section(".rela.debug_info") == nullptr);
}

TEST_CASE("what is no module of a kernel is refused") {
    CHECK_FALSE(place_module({}));
    CHECK_FALSE(place_module(bytes_of("\177ELF")));
    ElfBuilder linked = module();
    linked.type = ET_DYN;
    CHECK_FALSE(place_module(linked.bytes()));
    Bytes narrow = module().bytes();
    narrow[EI_CLASS] = std::byte{ELFCLASS32};
    CHECK_FALSE(place_module(narrow));
    Bytes big = module().bytes();
    big[EI_DATA] = std::byte{ELFDATA2MSB};
    CHECK_FALSE(place_module(big));
}

TEST_CASE("a module cut anywhere does no harm") {
    const Bytes whole = module().bytes();
    for (std::size_t size = 0; size < whole.size(); size += 97) {
        const auto placed =
            place_module(Bytes(whole.begin(), whole.begin() + static_cast<long>(size)));
        if (placed) CHECK(placed->size() == size);
    }
    ElfBuilder huge = module();
    huge.sections[0].false_size = ~std::uint64_t{0} >> 1;
    CHECK_FALSE(place_module(huge.bytes()));
}
