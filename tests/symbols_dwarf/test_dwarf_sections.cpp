#include <doctest/doctest.h>

#include "../symbols/elf_builder.h"
#include "symbols/dwarf_sections.h"

using namespace fgread;
using namespace fgread::test;

namespace {

constexpr std::uint64_t execinstr = 4;

DwarfSections read(ElfBuilder& builder, DwarfFlavour flavour = DwarfFlavour::whole) {
    const auto image = ElfImage::read(builder.bytes());
    REQUIRE(image);
    return read_dwarf_sections(*image, flavour);
}

std::string text_of(const DwarfSections& sections, DwarfSection which) {
    std::string text;
    for (const std::byte each : sections[which]) text += static_cast<char>(each);
    return text;
}

ElfBuilder::SectionData section(std::string name, std::string_view content) {
    ElfBuilder::SectionData data;
    data.name = std::move(name);
    data.content = bytes_of(content);
    return data;
}

}  // namespace

TEST_CASE("sections are found by name, the first of several counts") {
    ElfBuilder elf;
    elf.add_text(0x1000, 16);
    elf.add(section(".debug_info", "one"));
    elf.add(section(".debug_info", "two"));
    elf.add(section(".debug_str_offsets", "offsets"));
    elf.add(section(".debug_unheard_of", "x"));
    const DwarfSections sections = read(elf);
    CHECK(text_of(sections, DwarfSection::info) == "one");
    CHECK(text_of(sections, DwarfSection::str_offsets) == "offsets");
    CHECK(sections[DwarfSection::str].empty());
    CHECK(sections.skipped == 0);
}

TEST_CASE("the units of a split file may lie in several sections, as gcc writes type units") {
    ElfBuilder elf;
    elf.add_text(0x1000, 16);
    elf.add(section(".debug_info.dwo", "type one, "));
    elf.add(section(".debug_abbrev.dwo", "first"));
    elf.add(section(".debug_info.dwo", "type two, "));
    elf.add(section(".debug_abbrev.dwo", "second"));
    elf.add(section(".debug_info.dwo", "unit"));
    const DwarfSections sections = read(elf, DwarfFlavour::split);
    CHECK(text_of(sections, DwarfSection::info) == "type one, type two, unit");
    CHECK(text_of(sections, DwarfSection::abbrev) == "first");
}

TEST_CASE("split files have names of their own") {
    ElfBuilder elf;
    elf.add_text(0x1000, 16);
    elf.add(section(".debug_info", "whole"));
    elf.add(section(".debug_info.dwo", "split"));
    elf.add(section(".debug_cu_index", "index"));
    CHECK(text_of(read(elf), DwarfSection::info) == "whole");
    CHECK(text_of(read(elf, DwarfFlavour::split), DwarfSection::info) == "split");
    CHECK(text_of(read(elf, DwarfFlavour::split), DwarfSection::cu_index) == "index");
}

TEST_CASE("line tables are read only where they are wanted") {
    ElfBuilder elf;
    elf.add_text(0x1000, 16);
    elf.add(section(".debug_line", "lines"));
    elf.add(section(".debug_line.dwo", "of type units"));
    const auto image = ElfImage::read(elf.bytes());
    REQUIRE(image);
    CHECK(text_of(read_dwarf_sections(*image), DwarfSection::line) == "lines");
    const DwarfSections none = read_dwarf_sections(*image, DwarfFlavour::whole, DwarfLines::skip);
    CHECK(none[DwarfSection::line].empty());
    CHECK(none.skipped == 0);
    CHECK(read(elf, DwarfFlavour::split)[DwarfSection::line].empty());
}

TEST_CASE("a section that lies outside the file, or cannot be expanded, is counted") {
    ElfBuilder elf;
    elf.add_text(0x1000, 16);
    auto outside = section(".debug_info", "x");
    outside.false_size = 1 << 20;
    elf.add(outside);
    auto garbage = section(".debug_str", "this is no compressed data at all");
    garbage.flags = 0x800;  // SHF_COMPRESSED
    elf.add(garbage);
    elf.add(section(".zdebug_line", "ZLIB"));
    const DwarfSections sections = read(elf);
    CHECK(sections[DwarfSection::info].empty());
    CHECK(sections[DwarfSection::str].empty());
    CHECK(sections[DwarfSection::line].empty());
    CHECK(sections.skipped == 3);
}

TEST_CASE("an object file that still needs its relocations has no debug information to read") {
    ElfBuilder elf;
    elf.add(section(".debug_info", "unrelocated"));
    elf.add(section(".rela.debug_info", "relocations"));
    elf.add(section(".debug_str", "text"));
    const DwarfSections object = read(elf);
    CHECK(object[DwarfSection::info].empty());
    CHECK(object.skipped == 1);
    CHECK(text_of(object, DwarfSection::str) == "text");

    ElfBuilder linked;  // ld --emit-relocs
    linked.add_text(0x1000, 16);
    linked.add(section(".debug_info", "relocated"));
    linked.add(section(".rela.debug_info", "relocations"));
    CHECK(text_of(read(linked), DwarfSection::info) == "relocated");
}

TEST_CASE("code is what lies in executable sections") {
    ElfBuilder elf;
    elf.add_text(0x2000, 0x100);
    for (const std::uint64_t address : {std::uint64_t{0x1000}, std::uint64_t{0x1010}}) {
        auto code = section(".code", "0123456789abcdef");
        code.flags = execinstr;
        code.address = address;
        elf.add(code);
    }
    const DwarfSections sections = read(elf);
    REQUIRE(sections.code.size() == 2);
    CHECK_FALSE(sections.is_code(0xfff));
    CHECK(sections.is_code(0x1000));
    CHECK(sections.is_code(0x101f));
    CHECK_FALSE(sections.is_code(0x1020));
    CHECK(sections.is_code(0x20ff));
    CHECK_FALSE(sections.is_code(0x2100));
    CHECK(DwarfSections{}.is_code(0));
}
