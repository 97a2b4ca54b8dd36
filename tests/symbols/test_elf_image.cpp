#include <doctest/doctest.h>
#include <zstd.h>

#include "symbols/elf_image.h"
#include "symbols/elf_notes.h"
#include "symbols/vdso.h"
#include "tests/symbols/elf_builder.h"

using namespace fgread;
using namespace fgread::test;

namespace {

std::string text_of(const OwnedBytes& bytes) {
    std::string text;
    for (const std::byte byte : bytes.view()) text.push_back(std::to_integer<char>(byte));
    return text;
}

constexpr std::uint64_t compressed = 0x800;  // SHF_COMPRESSED

Bytes compression_header(std::uint32_t type, std::uint64_t size) {
    Bytes header;
    put_u32(header, type);
    put_u32(header, 0);
    put_u64(header, size);
    put_u64(header, 1);
    return header;
}

Bytes zstd_section(const std::string& text, std::uint64_t claimed_size) {
    Bytes content = compression_header(2, claimed_size);
    Bytes packed(ZSTD_compressBound(text.size()));
    packed.resize(ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), 1));
    content.insert(content.end(), packed.begin(), packed.end());
    return content;
}

// zlib's container around one stored (uncompressed) block: RFC 1950, RFC 1951 3.2.4.
Bytes zlib_section(const std::string& text, std::uint64_t claimed_size) {
    Bytes content = compression_header(1, claimed_size);
    for (const int byte : {0x78, 0x01, 0x01}) content.push_back(std::byte(byte));
    put_u16(content, static_cast<std::uint16_t>(text.size()));
    put_u16(content, static_cast<std::uint16_t>(~text.size()));
    put_text(content, text);
    std::uint32_t a = 1, b = 0;  // Adler-32
    for (const char c : text) {
        a = (a + static_cast<unsigned char>(c)) % 65521;
        b = (b + a) % 65521;
    }
    for (const int shift : {24, 16, 8, 0}) content.push_back(std::byte(((b << 16) | a) >> shift));
    return content;
}

// As gcc -gz=zlib-gnu wrote it.
Bytes old_compressed(const std::string& text, std::uint64_t claimed_size) {
    Bytes content = bytes_of("ZLIB");
    for (int shift = 56; shift >= 0; shift -= 8)
        content.push_back(std::byte(claimed_size >> shift));
    const Bytes zlib = zlib_section(text, text.size());
    content.insert(content.end(), zlib.begin() + 24, zlib.end());
    return content;
}

}  // namespace

TEST_CASE("headers of an ELF file are read") {
    ElfBuilder elf;
    elf.add_text(0x2000, 64);
    elf.add({.name = ".comment", .content = bytes_of("made by hand")});
    const auto image = ElfImage::read(elf.bytes());
    REQUIRE(image);
    CHECK(image->is_64bit());
    CHECK(image->endian() == Endian::little);
    CHECK(image->machine() == 62);
    REQUIRE(image->segments().size() == 1);
    CHECK(image->segments()[0].executable);
    CHECK_FALSE(image->segments()[0].writable);
    REQUIRE(image->find_section(".text") != nullptr);
    CHECK(image->find_section(".text")->executable());
    CHECK(image->find_section(".absent") == nullptr);
    CHECK(text_of(image->contents(*image->find_section(".comment"))) == "made by hand");
}

TEST_CASE("what is not ELF is refused") {
    CHECK_FALSE(ElfImage::read(Bytes{}));
    CHECK_FALSE(ElfImage::read(bytes_of("#!/bin/sh\nexit 0\n")));
    CHECK_FALSE(ElfImage::read(bytes_of("!<arch>\n")));
    CHECK_FALSE(
        ElfImage::read(bytes_of("\x7f"
                                "ELF")));
}

TEST_CASE("every cut of a file is refused or read without its end") {
    ElfBuilder elf;
    elf.add_text(0x2000, 64);
    elf.add_build_id(bytes_of("0123456789abcdefghij"));
    elf.add_symbols({{.name = "main", .value = 0x2000, .size = 4}});
    const Bytes whole = elf.bytes();
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const auto image =
            ElfImage::read(Bytes(whole.begin(), whole.begin() + std::ptrdiff_t(size)));
        if (!image) continue;
        for (const Section& section : image->sections()) {
            CHECK(image->contents(section).size() <= size);
        }
    }
}

TEST_CASE("a section that does not lie inside the file is empty") {
    ElfBuilder elf;
    elf.add({.name = "far", .content = bytes_of("x"), .false_offset = 1 << 20});
    elf.add({.name = "long", .content = bytes_of("x"), .false_size = 1 << 20});
    elf.add({.name = "wraps",
             .content = bytes_of("x"),
             .false_offset = 0xffffffffffffff00,
             .false_size = 0x200});
    elf.add({.name = "nobits", .type = 8, .content = bytes_of("x")});
    const auto image = ElfImage::read(elf.bytes());
    REQUIRE(image);
    for (const char* name : {"far", "long", "wraps", "nobits"}) {
        CAPTURE(name);
        REQUIRE(image->find_section(name) != nullptr);
        CHECK(image->contents(*image->find_section(name)).empty());
    }
}

TEST_CASE("a section count the file has no room for is refused before anything is allocated") {
    ElfBuilder elf;
    elf.add_text(0x2000, 64);
    Bytes file = elf.bytes();
    SUBCASE("in the header") { file[60] = file[61] = std::byte{0xff}; }
    SUBCASE("in the first section, as the gabi extends it") {
        file[60] = file[61] = std::byte{0};
        std::uint64_t table = 0;
        for (unsigned i = 0; i < 8; ++i)
            table |= std::to_integer<std::uint64_t>(file[40 + i]) << (8 * i);
        for (unsigned i = 0; i < 5; ++i) file[table + 32 + i] = std::byte{0xff};
    }
    CHECK_FALSE(ElfImage::read(file));
}

TEST_CASE("compressed sections are expanded") {
    const std::string text(1000, 'a');
    ElfBuilder elf;
    elf.add({.name = "zstd", .flags = compressed, .content = zstd_section(text, text.size())});
    elf.add({.name = "zlib", .flags = compressed, .content = zlib_section(text, text.size())});
    const auto image = ElfImage::read(elf.bytes());
    REQUIRE(image);
    for (const char* name : {"zstd", "zlib"}) {
        CAPTURE(name);
        CHECK(text_of(image->contents(*image->find_section(name))) == text);
        CHECK(text_of(image->contents(*image->find_section(name))) == text);  // and again
    }
}

TEST_CASE("a section that lies about its expanded size is empty") {
    const std::string text(1000, 'a');
    ElfBuilder elf;
    elf.add({.name = "bomb",
             .flags = compressed,
             .content = zstd_section(text, std::uint64_t{1} << 62)});
    elf.add({.name = "more", .flags = compressed, .content = zstd_section(text, 1001)});
    elf.add({.name = "less", .flags = compressed, .content = zstd_section(text, 999)});
    elf.add({.name = "zmore", .flags = compressed, .content = zlib_section(text, 1001)});
    elf.add({.name = "zless", .flags = compressed, .content = zlib_section(text, 999)});
    Bytes cut = zlib_section(text, text.size());
    cut.resize(cut.size() - 5);
    elf.add({.name = "cut", .flags = compressed, .content = cut});
    Bytes changed = zlib_section(text, text.size());
    changed[changed.size() / 2] = std::byte{'b'};  // and so its checksum is wrong
    elf.add({.name = "changed", .flags = compressed, .content = changed});
    elf.add({.name = "junk", .flags = compressed, .content = compression_header(7, 10)});
    elf.add({.name = "short", .flags = compressed, .content = bytes_of("abc")});
    const auto image = ElfImage::read(elf.bytes());
    REQUIRE(image);
    for (const char* name :
         {"bomb", "more", "less", "zmore", "zless", "cut", "changed", "junk", "short"}) {
        CAPTURE(name);
        CHECK(image->contents(*image->find_section(name)).empty());
    }
}

TEST_CASE("the build-id is found with and without section headers") {
    ElfBuilder elf;
    elf.add_text(0x2000, 64);
    elf.add_build_id(bytes_of("0123456789abcdefghij"));
    SUBCASE("with") {}
    SUBCASE("without") { elf.section_headers = false; }
    const auto image = ElfImage::read(elf.bytes());
    REQUIRE(image);
    CHECK(image->build_id().hex() == "303132333435363738396162636465666768696a");
}

TEST_CASE("build-id notes of impossible size are no build-ids") {
    ElfBuilder elf;
    SUBCASE("empty") { elf.add_build_id({}); }
    SUBCASE("65 bytes") { elf.add_build_id(Bytes(65, std::byte{1})); }
    const auto image = ElfImage::read(elf.bytes());
    REQUIRE(image);
    CHECK(image->build_id().empty());
}

TEST_CASE("build-ids are equal if they are, or if perf padded the recorded one") {
    const BuildId short_id{{1, 2, 3, 4}};
    BuildId padded = short_id;
    padded.bytes.resize(20);
    CHECK(same_build_id(short_id, short_id));
    CHECK(same_build_id(padded, short_id));
    CHECK_FALSE(same_build_id(short_id, padded));
    CHECK_FALSE(same_build_id(BuildId{{1, 2, 3, 5}}, short_id));
    CHECK_FALSE(same_build_id(BuildId{{1, 2, 3, 4, 0}}, short_id));
    CHECK_FALSE(same_build_id({}, {}));
    padded.bytes[19] = 9;
    CHECK_FALSE(same_build_id(padded, short_id));
}

TEST_CASE("bytes are read by address, up to the end of the segment") {
    ElfBuilder elf;
    elf.add_text(0x2000, 64);
    const auto image = ElfImage::read(elf.bytes());
    REQUIRE(image);
    CHECK(image->read_address({0x2000}, 16).size() == 16);
    CHECK(image->read_address({0x2030}, 100).size() == 16);
    CHECK(image->read_address({0x2040}, 1).empty());
    CHECK(image->read_address({0x1fff}, 1).empty());
}

TEST_CASE("this process's vdso is an ELF image") {
    const auto image = ElfImage::read(copy_own_vdso());
    REQUIRE(image);
    CHECK(image->find_section(".dynsym") != nullptr);
    CHECK_FALSE(image->build_id().empty());
}

TEST_CASE(".zdebug_ sections are expanded by their name") {
    ElfBuilder elf;
    elf.add({.name = ".zdebug_str", .content = old_compressed("expanded", 8)});
    elf.add({.name = ".zdebug_info", .content = bytes_of("never compressed")});
    elf.add({.name = ".comment", .content = old_compressed("expanded", 8)});
    const auto image = ElfImage::read(elf.bytes());
    REQUIRE(image);
    CHECK(text_of(image->contents(image->sections()[1])) == "expanded");
    CHECK(text_of(image->contents(image->sections()[2])) == "never compressed");
    CHECK(text_of(image->contents(image->sections()[3])).starts_with("ZLIB"));
}

TEST_CASE("a .zdebug_ section that lies about itself is empty") {
    ElfBuilder elf;
    Bytes cut = old_compressed("expanded", 8);
    cut.resize(cut.size() - 6);
    for (const Bytes& content :
         {old_compressed("expanded", 7), old_compressed("expanded", 9), cut, bytes_of("ZLIB"),
          bytes_of("ZLIB\xff\xff\xff\xff"), old_compressed("expanded", ~std::uint64_t{0}),
          old_compressed("bomb", std::uint64_t{1} << 29)}) {
        elf.add({.name = ".zdebug_str", .content = content});
    }
    const auto image = ElfImage::read(elf.bytes());
    REQUIRE(image);
    for (const Section& section : image->sections()) {
        if (section.name == ".zdebug_str") CHECK(image->contents(section).empty());
    }
}
