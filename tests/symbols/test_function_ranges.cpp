#include <doctest/doctest.h>

#include <elf.h>

#include "symbols/function_ranges.h"
#include "symbols/function_search.h"
#include "symbols/go_functions.h"
#include "symbols/initializers.h"
#include "symbols/swept_functions.h"
#include "symbols/symbol_table.h"
#include "tests/symbols/elf_builder.h"

using namespace fgread;
using namespace fgread::test;

namespace {

constexpr std::uint64_t text = 0x1000, text_size = 0x400;

FunctionRanges ranges_of(const ElfBuilder& elf) {
    const auto image = ElfImage::read(elf.bytes());
    REQUIRE(image);
    return FunctionRanges::read(*image, nullptr);
}

void check_range(const std::optional<FunctionRange>& range, std::uint64_t start,
                 std::uint64_t end) {
    REQUIRE(range);
    CHECK(range->start == Svma{start});
    CHECK(range->end == Svma{end});
}

// .gopclntab of Go 1.20 with goexit at offset 0x100 and "main.main" behind it.
Bytes go_table(std::uint64_t text_start) {
    const Bytes names = bytes_of(std::string("runtime.goexit.abi0\0main.main\0\0\0", 32));
    constexpr std::uint64_t names_at = 72, entries_at = names_at + 32;
    Bytes table;
    put_u32(table, 0xfffffff1);
    put_u32(table, 0x08010000);  // padding, instruction size 1, pointer size 8
    for (const std::uint64_t value :
         {std::uint64_t{2}, std::uint64_t{0}, text_start, names_at, std::uint64_t{0},
          std::uint64_t{0}, std::uint64_t{0}, entries_at}) {
        put_u64(table, value);
    }
    table.insert(table.end(), names.begin(), names.end());
    constexpr std::uint32_t first_function = 20;
    for (const std::uint32_t value :
         {0x100u, first_function, 0x110u, first_function + 8, 0x140u, 0x100u, 0u, 0x110u, 20u}) {
        put_u32(table, value);
    }
    return table;
}

ElfBuilder go_program(std::uint64_t text_start, bool with_goexit = true) {
    ElfBuilder elf;
    const std::uint16_t code = elf.add_text(text, text_size);
    const Bytes goexit = bytes_of(std::string("\x90\xe8\0\0\0\0\x90", 7));
    if (with_goexit) {
        std::copy(goexit.begin(), goexit.end(), elf.sections[code - 1u].content.begin() + 0x100);
    }
    elf.add({.name = ".gopclntab", .flags = 2, .address = 0x8000, .content = go_table(text_start)});
    return elf;
}

}  // namespace

TEST_CASE("functions by their symbols: the innermost, labels left out") {
    ElfBuilder elf;
    elf.add_text(text, text_size);
    elf.add_symbols({{.name = "outer", .value = text, .size = 0x100},
                     {.name = "inner", .value = text + 0x40, .size = 0x10},
                     {.name = "label", .value = text + 0x20, .size = 0, .type = STT_NOTYPE}},
                    false);
    const FunctionRanges ranges = ranges_of(elf);
    check_range(ranges.find(Svma{text}), text, text + 0x100);
    check_range(ranges.find(Svma{text + 0x25}), text, text + 0x100);
    check_range(ranges.find(Svma{text + 0x4f}), text + 0x40, text + 0x50);
    check_range(ranges.find(Svma{text + 0x50}), text, text + 0x100);
    CHECK_FALSE(ranges.find(Svma{text + 0x100}));
    CHECK_FALSE(ranges.find(Svma{text - 1}));
}

TEST_CASE("a function without a size ends where the next one begins at the latest") {
    ElfBuilder elf;
    elf.add_text(text, text_size);
    elf.add_symbols({{.name = "assembly", .value = text, .size = 0},
                     {.name = "next", .value = text + 0x80, .size = 0x10}},
                    false);
    const auto range = ranges_of(elf).find(Svma{text + 0x30});
    check_range(range, text, text + 0x80);
    CHECK_FALSE(range->is_end_known);
}

TEST_CASE("a part that gcc split off begins in the middle of a frame: nothing is said") {
    ElfBuilder elf;
    elf.add_text(text, text_size);
    elf.add_symbols({{.name = "f", .value = text, .size = 0x40},
                     {.name = "f.cold", .value = text + 0x40, .size = 0x40},
                     {.name = "g.cold.12", .value = text + 0x80, .size = 0x40},
                     {.name = "is.colder", .value = text + 0xc0, .size = 0x40}},
                    false);
    const FunctionRanges ranges = ranges_of(elf);
    CHECK(ranges.find(Svma{text + 0x10}));
    CHECK_FALSE(ranges.find(Svma{text + 0x50}));
    CHECK_FALSE(ranges.find(Svma{text + 0x90}));
    CHECK(ranges.find(Svma{text + 0xd0}));
}

TEST_CASE("a stripped Go program knows its functions, and where its stacks end") {
    // Go 1.26 leaves the address of its text out.
    for (const std::uint64_t text_start : {text, std::uint64_t{0}}) {
        const ElfBuilder elf = go_program(text_start);
        const FunctionRanges ranges = ranges_of(elf);
        check_range(ranges.find(Svma{text + 0x120}), text + 0x110, text + 0x140);
        REQUIRE(ranges.bottoms().size() == 1);
        CHECK(ranges.bottoms()[0].start == Svma{text + 0x100});
        CHECK(ranges.bottoms()[0].reason == StopReason::complete);

        const auto image = ElfImage::read(elf.bytes());
        std::uint64_t malformed = 0;
        const SymbolTable names = SymbolTable::read(*image, nullptr, malformed);
        REQUIRE(names.find(Svma{text + 0x120}));
        CHECK(names.find(Svma{text + 0x120})->name == "main.main");
    }
}

TEST_CASE("a Go table that does not fit the code is not believed") {
    CHECK_FALSE(ranges_of(go_program(text, false)).find(Svma{text + 0x120}));
    CHECK_FALSE(ranges_of(go_program(text + 0x10)).find(Svma{text + 0x120}));
    // Cut anywhere.
    const Bytes whole = go_table(text);
    const auto image = ElfImage::read(go_program(text).bytes());
    for (std::size_t size = 0; size < whole.size(); ++size) {
        std::size_t visited = 0;
        each_go_function(*image, ByteView(whole).first(size), [&](const auto&) { ++visited; });
        CHECK(visited <= 2);
    }
}

TEST_CASE("functions of stripped code at fixed addresses begin at constants that are code") {
    for (const std::uint64_t start : {text, std::uint64_t{0x401000}}) {
        ElfBuilder elf;
        const std::uint16_t code = elf.add_text(start, text_size);
        Bytes mov = bytes_of(std::string("\x48\xc7\xc7", 3));  // mov $start + 0x30, %rdi
        put_u32(mov, static_cast<std::uint32_t>(start + 0x30));
        std::copy(mov.begin(), mov.end(), elf.sections[code - 1u].content.begin());
        const auto image = ElfImage::read(elf.bytes());
        REQUIRE(image);
        CHECK(SweptFunctions::read(*image).find(Svma{start + 0x34}).has_value() == (start != text));
    }
}

TEST_CASE("functions of stripped code begin where calls lead") {
    ElfBuilder elf;
    const std::uint16_t code = elf.add_text(text, text_size);
    Bytes& bytes = elf.sections[code - 1u].content;
    const auto put = [&bytes](std::size_t at, std::string_view what) {
        const Bytes added = bytes_of(what);
        std::copy(added.begin(), added.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
    };
    put(0, std::string("\xe8\x3b\0\0\0", 5));          // call text + 0x40
    put(5, std::string("\x48\x8d\x05\x74\0\0\0", 7));  // lea text + 0x80(%rip), %rax
    put(12, std::string("\xe8\0\0\0\x40", 5));         // a call out of the code
    const auto image = ElfImage::read(elf.bytes());
    REQUIRE(image);
    const SweptFunctions swept = SweptFunctions::read(*image);
    CHECK_FALSE(swept.find(Svma{text + 0x10}));
    check_range(swept.find(Svma{text + 0x50}), text + 0x40, text + 0x80);
    CHECK_FALSE(swept.find(Svma{text + 0x50})->is_end_known);
    check_range(swept.find(Svma{text + 0x80}), text + 0x80, text + text_size);
    CHECK_FALSE(swept.find(Svma{text + text_size}));
}

TEST_CASE(
    "functions of stripped code begin where a jump leads that leaves a function without a frame") {
    ElfBuilder elf;
    const std::uint16_t code = elf.add_text(text, text_size);
    Bytes& bytes = elf.sections[code - 1u].content;
    std::fill(bytes.begin(), bytes.end(), std::byte{0x90});
    const auto put = [&bytes](std::size_t at, std::string_view what) {
        const Bytes added = bytes_of(what);
        std::copy(added.begin(), added.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
    };
    const auto jump = [&put](std::size_t at, std::size_t to) {
        std::string jmp = "\xe9";
        for (unsigned i = 0; i < 4; ++i) {
            jmp += static_cast<char>(static_cast<std::uint32_t>(to - at - 5) >> (8 * i) & 0xff);
        }
        put(at, jmp);
    };
    put(0, std::string("\xe8\x3b\0\0\0", 5));  // call text + 0x40, as of qsort()
    put(5, std::string("\xe8\x5b\0\0\0", 5));  // call text + 0x65
    put(10, "\xc3");
    jump(0x40, 0x80);   // to where a function begins: qsort_r()
    put(0x65, "\x53");  // push %rbx
    jump(0x66, 0xa0);   // to its cold part
    put(0x70, "\xc3");
    put(0x80, "\x53\x5b\xc3");  // push, pop, ret
    put(0xa0, "\x5b\xc3");      // the cold part
    const auto image = ElfImage::read(elf.bytes());
    REQUIRE(image);
    const SweptFunctions swept = SweptFunctions::read(*image);
    check_range(swept.find(Svma{text + 0x81}), text + 0x80, text + text_size);
    CHECK(swept.find(Svma{text + 0x70})->start == Svma{text + 0x65});

    put(0x70, "\x50");  // runs into what is behind it
    const auto other = ElfImage::read(elf.bytes());
    CHECK(SweptFunctions::read(*other).find(Svma{text + 0x81})->start == Svma{text + 0x65});

    put(0x70, std::string("\xe8\xeb\xff\xff\xff", 5));  // a call that does not come back
    const auto behind_call = ElfImage::read(elf.bytes());
    CHECK(SweptFunctions::read(*behind_call).find(Svma{text + 0x81})->start == Svma{text + 0x80});
}

namespace {

constexpr std::uint64_t data = 0x5000;
constexpr std::uint64_t functions_in_arrays[] = {text + 0x100, text + 0x140, text + 0x120};

// A library with call-frame information, as far as its size goes: DT_INIT at the start of its
// text, DT_FINI at 0x300, an array of two initializers and one of one finalizer. `relocated`: the
// slots are empty, relocations fill them, as lld has it.
ElfBuilder library(bool relocated, std::uint64_t array_bytes = 16) {
    ElfBuilder elf;
    elf.add_text(text, text_size);
    elf.add({.name = ".eh_frame", .flags = 2, .content = Bytes(text_size)});
    Bytes content;
    for (const std::uint64_t function : functions_in_arrays) {
        put_u64(content, relocated ? 0 : function);
    }
    const std::uint64_t relocations = data + content.size();
    std::uint64_t slot = data;
    for (const std::uint64_t function : functions_in_arrays) {
        put_u64(content, slot);
        put_u64(content, R_X86_64_RELATIVE);
        put_u64(content, function);
        slot += 8;
    }
    // Another slot's, and one for the linker to look up.
    for (const unsigned type : {unsigned{R_X86_64_RELATIVE}, unsigned{R_X86_64_64}}) {
        put_u64(content, type == R_X86_64_64 ? data : data + 0x800);
        put_u64(content, type);
        put_u64(content, text + 0x110);
    }
    const std::uint64_t relocation_bytes = data + content.size() - relocations;
    const std::uint64_t dynamic = content.size();
    const std::pair<std::uint64_t, std::uint64_t> entries[] = {
        {DT_INIT, text},
        {DT_FINI, text + 0x300},
        {DT_INIT_ARRAY, data},
        {DT_INIT_ARRAYSZ, array_bytes},
        {DT_FINI_ARRAY, data + 16},
        {DT_FINI_ARRAYSZ, 8},
        {DT_RELA, relocations},
        {DT_RELASZ, relocation_bytes},
        {DT_NULL, 0},
        {DT_INIT, text + 0x200},
    };
    for (const auto& [tag, value] : entries) {
        put_u64(content, tag);
        put_u64(content, value);
    }
    const std::uint64_t size = content.size();
    const std::uint16_t number =
        elf.add({.name = ".data", .flags = 3, .address = data, .content = std::move(content)});
    const std::uint64_t offset = elf.offset_of(number);
    elf.segments.push_back({PT_LOAD, PF_R | PF_W, offset, data, size, size});
    elf.segments.push_back({PT_DYNAMIC, PF_R | PF_W, offset + dynamic, data + dynamic,
                            size - dynamic, size - dynamic});
    return elf;
}

SweptFunctions swept_of(const ElfBuilder& elf) {
    const auto image = ElfImage::read(elf.bytes());
    REQUIRE(image);
    return SweptFunctions::read(*image);
}

}  // namespace

TEST_CASE("functions that run before main and at exit are known where code is not decoded") {
    for (const bool relocated : {false, true}) {
        CAPTURE(relocated);
        const SweptFunctions swept = swept_of(library(relocated));
        check_range(swept.find(Svma{text + 0x10}), text, text + 0x100);
        check_range(swept.find(Svma{text + 0x11f}), text + 0x100, text + 0x120);
        check_range(swept.find(Svma{text + 0x120}), text + 0x120, text + 0x140);
        check_range(swept.find(Svma{text + 0x140}), text + 0x140, text + 0x300);
        check_range(swept.find(Svma{text + 0x300}), text + 0x300, text + text_size);
        CHECK_FALSE(swept.find(Svma{text + 0x300})->is_end_known);
    }
}

TEST_CASE("main is known where code is not decoded, by the code at the entry point") {
    const std::string glibc(
        "\x31\xed\x48\x8d\x3d\x77\x01\0\0"  // xor %ebp, %ebp; lea text + 0x180(%rip), %rdi
        "\xff\x15\x77\x02\0\0"              // call *__libc_start_main@GOT(%rip)
        "\x48\x8d\x3d\xaa\x01\0\0",         // of another function: lea text + 0x1c0(%rip), %rdi
        22);
    const std::string musl(
        "\x31\xed\xe8\x05\0\0\0\x90\x90\x90\x90\x90"  // xor %ebp, %ebp; call _start_c
        "\x48\x8d\x3d\x6d\x01\0\0"                    // lea text + 0x180(%rip), %rdi
        "\xe9\x77\x02\0\0",                           // jmp __libc_start_main
        24);
    for (const std::string& code : {glibc, musl}) {
        ElfBuilder elf = library(false);
        const Bytes start_up = bytes_of(code);
        std::copy(start_up.begin(), start_up.end(), elf.sections[0].content.begin());
        Bytes file = elf.bytes();
        Bytes entry;
        put_u64(entry, text);
        std::copy(entry.begin(), entry.end(), file.begin() + offsetof(Elf64_Ehdr, e_entry));
        const auto image = ElfImage::read(std::move(file));
        REQUIRE(image);
        check_range(SweptFunctions::read(*image).find(Svma{text + 0x1c4}), text + 0x180,
                    text + 0x300);
    }
}

TEST_CASE("what is far behind a function that no code calls is not taken for a part of it") {
    ElfBuilder elf = library(false);
    constexpr std::uint64_t larger = 0x2000;
    elf.segments[0].file_size = elf.segments[0].memory_size = larger;
    const SweptFunctions swept = swept_of(elf);
    CHECK(swept.find(Svma{text + 0x310}));
    CHECK_FALSE(swept.find(Svma{text + 0x1000}));
}

TEST_CASE("lists of initializers that lie outside the file, or do not end, name nothing more") {
    for (const std::uint64_t size : {std::uint64_t{1} << 40, ~std::uint64_t{0}}) {
        const SweptFunctions swept = swept_of(library(false, size));
        CHECK(swept.find(Svma{text + 0x310}));
    }
    for (std::uint64_t size = 0; size < 0x200; ++size) {
        ElfBuilder elf = library(true);
        for (ElfBuilder::SegmentData& segment : elf.segments) {
            if (segment.address >= data) segment.file_size = size;
        }
        const auto found = swept_of(elf).find(Svma{text + 0x310});
        CHECK((!found || found->start == Svma{text + 0x300} || found->start == Svma{text}));
    }
}

TEST_CASE("lists of initializers that name the same again and again take no more memory") {
    ElfBuilder elf = library(true);
    const auto count = [&elf] {
        const auto image = ElfImage::read(elf.bytes());
        REQUIRE(image);
        return read_initializers(*image).size();
    };
    const std::size_t usual = count();
    SUBCASE("by many dynamic sections") {
        elf.segments.insert(elf.segments.end(), 100, elf.segments.back());
        CHECK(count() == usual);
    }
    SUBCASE("by many entries of one") {
        Bytes entries;
        for (unsigned i = 0; i < 10'000; ++i) {
            put_u64(entries, DT_INIT);
            put_u64(entries, text);
        }
        const std::uint64_t size = entries.size();
        const std::uint16_t number =
            elf.add({.name = ".dynamic", .flags = 3, .content = std::move(entries)});
        elf.segments.back() = {PT_DYNAMIC, PF_R, elf.offset_of(number), 0, size, size};
        CHECK(count() <= 2);
    }
    SUBCASE("by many relocations of one slot") {
        constexpr std::uint64_t address = 0x100000;
        Bytes content(8);
        for (unsigned i = 0; i < 30'000; ++i) {
            put_u64(content, address);
            put_u64(content, R_X86_64_RELATIVE);
            put_u64(content, text + 0x100);
        }
        const std::uint64_t dynamic = content.size();
        for (const auto& [tag, value] :
             std::initializer_list<std::pair<unsigned, std::uint64_t>>{{DT_INIT_ARRAY, address},
                                                                       {DT_INIT_ARRAYSZ, 8},
                                                                       {DT_RELA, address + 8},
                                                                       {DT_RELASZ, dynamic - 8}}) {
            put_u64(content, tag);
            put_u64(content, value);
        }
        const std::uint64_t size = content.size();
        const std::uint16_t number = elf.add(
            {.name = ".many", .flags = 3, .address = address, .content = std::move(content)});
        const std::uint64_t offset = elf.offset_of(number);
        elf.segments.back() = {PT_LOAD, PF_R | PF_W, offset, address, size, size};
        elf.segments.push_back({PT_DYNAMIC, PF_R, offset + dynamic, 0, size - dynamic, 0});
        CHECK(count() > 20'000);
        CHECK(count() < 25'000);
    }
}

namespace {

// By the one and by the other way, at every address from before the text to behind it.
void check_searches(const ElfBuilder& elf, bool always_certain = true) {
    const auto image = ElfImage::read(elf.bytes());
    REQUIRE(image);
    const FunctionRanges ranges = FunctionRanges::read(*image, nullptr);
    for (std::uint64_t at = text - 2; at < text + text_size + 2; ++at) {
        CAPTURE(at);
        const FoundFunction found = search_function(*image, nullptr, Svma{at});
        if (always_certain) REQUIRE(found.is_certain);
        if (!found.is_certain) continue;
        const auto expected = ranges.find(Svma{at});
        REQUIRE(found.function.has_value() == expected.has_value());
        if (expected) check_range(found.function, expected->start.value, expected->end.value);
    }
}

}  // namespace

TEST_CASE("the search for one function finds what the table of all finds") {
    ElfBuilder elf;
    elf.add_text(text, text_size);
    elf.add_symbols({{.name = "first", .value = text, .size = 0x40},
                     {.name = "first_alias", .value = text, .size = 0x30},
                     {.name = "without_size", .value = text + 0x80, .size = 0},
                     {.name = "second", .value = text + 0xa0, .size = 0x20},
                     {.name = "second", .value = text + 0xa0, .size = 0x20},
                     {.name = "second.cold", .value = text + 0x100, .size = 0x10},
                     {.name = "alias", .value = text + 0x100, .size = 0x10},
                     {.name = "last", .value = text + 0x200, .size = 0}},
                    false);
    check_searches(elf);
}

TEST_CASE("the search for one function leaves nested functions to the table of all") {
    ElfBuilder elf;
    elf.add_text(text, text_size);
    elf.add_symbols({{.name = "outer", .value = text, .size = 0x100},
                     {.name = "inner", .value = text + 0x40, .size = 0x10}},
                    false);
    check_searches(elf, false);
    const auto image = ElfImage::read(elf.bytes());
    CHECK_FALSE(search_function(*image, nullptr, Svma{text + 0x60}).is_certain);
}

TEST_CASE("the search for one function leaves Go's programs to the table of all") {
    const auto image = ElfImage::read(go_program(text).bytes());
    REQUIRE(image);
    CHECK_FALSE(search_function(*image, nullptr, Svma{text + 0x100}).is_certain);
}
