#include <doctest/doctest.h>

#include <dwarf.h>

#include <thread>

#include "chains.h"

using namespace fgread;
using namespace fgread::test;

namespace {

constexpr std::uint64_t text = 0x1000;

// Attributes with DW_FORM_string and the like, to keep the tests short.
Attr name(std::string value) { return {DW_AT_name, DW_FORM_string, 0, std::move(value)}; }
Attr origin(std::uint32_t die) { return {DW_AT_abstract_origin, DW_FORM_ref4, die, {}}; }
Attr ranges_at(std::uint64_t offset) { return {DW_AT_ranges, DW_FORM_sec_offset, offset, {}}; }

}  // namespace

TEST_CASE("nested inlined functions are named innermost first") {
    DwarfBuilder dwarf;
    dwarf.begin_unit();
    dwarf.compile_unit(text, 100);
    const auto g = dwarf.abstract("g");
    const auto h = dwarf.abstract("h");
    dwarf.subprogram("f", text + 10, 50);
    dwarf.inlined(g, text + 20, 20);
    dwarf.inlined(h, text + 30, 5);
    dwarf.end();
    dwarf.end();
    dwarf.end();
    dwarf.end();
    dwarf.end_unit();
    const DwarfIndex index = open_index(dwarf);

    CHECK(chain(index, text + 9) == "-");
    CHECK(chain(index, text + 10) == "f");
    CHECK(chain(index, text + 20) == "g<f");
    CHECK(chain(index, text + 30) == "h<g<f");
    CHECK(chain(index, text + 34) == "h<g<f");
    CHECK(chain(index, text + 35) == "g<f");
    CHECK(chain(index, text + 40) == "f");
    CHECK(chain(index, text + 59) == "f");
    CHECK(chain(index, text + 60) == "-");
    CHECK(index.stats().units_walked == 1);
    CHECK(index.stats().dies_walked == 6);
}

TEST_CASE("of overlapping siblings the last one in the order of the DIEs shows") {
    DwarfBuilder dwarf;
    dwarf.begin_unit();
    dwarf.compile_unit(text, 100);
    const auto one = dwarf.abstract("one");
    const auto two = dwarf.abstract("two");
    dwarf.subprogram("f", text, 100);
    dwarf.inlined(one, text + 10, 20);
    dwarf.end();
    dwarf.inlined(two, text + 20, 20);
    dwarf.end();
    dwarf.inlined(one, text + 50, 20);
    dwarf.end();
    dwarf.inlined(two, text + 55, 5);
    dwarf.end();
    dwarf.end();
    dwarf.end();
    dwarf.end_unit();
    const DwarfIndex index = open_index(dwarf);

    CHECK(chain(index, text + 19) == "one<f");
    CHECK(chain(index, text + 20) == "two<f");
    CHECK(chain(index, text + 39) == "two<f");
    CHECK(chain(index, text + 40) == "f");
    CHECK(chain(index, text + 54) == "one<f");
    CHECK(chain(index, text + 55) == "two<f");
    CHECK(chain(index, text + 60) == "one<f");
}

TEST_CASE("the body of a lambda inside an abstract function without ranges is found") {
    // gcc 12: subprogram (abstract) > structure_type > subprogram with the lambda's code.
    DwarfBuilder dwarf;
    dwarf.begin_unit();
    dwarf.compile_unit(text, 100, DW_LANG_C99);  // C: names as they are
    const auto helper = dwarf.abstract("helper");
    dwarf.die(DW_TAG_subprogram, {name("outer"), {DW_AT_inline, DW_FORM_data1, 1, {}}}, true);
    dwarf.die(DW_TAG_structure_type, {name("<lambda()>")}, true);
    dwarf.subprogram("operator()", text + 40, 20);
    dwarf.inlined(helper, text + 45, 5);
    dwarf.end();
    dwarf.end();
    dwarf.end();
    dwarf.end();
    dwarf.end();
    dwarf.end_unit();

    CHECK(chain(dwarf, text + 40) == "operator()");
    CHECK(chain(dwarf, text + 45) == "helper<operator()");
}

TEST_CASE("a function nested in a function is not inlined into it") {
    DwarfBuilder dwarf;
    dwarf.begin_unit();
    dwarf.compile_unit(text, 100, DW_LANG_C99);
    dwarf.subprogram("outer", text, 50);
    dwarf.subprogram("nested", text + 20, 10);
    dwarf.end();
    dwarf.end();
    dwarf.end();
    dwarf.end_unit();

    CHECK(chain(dwarf, text + 10) == "outer");
    CHECK(chain(dwarf, text + 25) == "nested");
}

TEST_CASE("lexical blocks make no frames") {
    DwarfBuilder dwarf;
    dwarf.begin_unit();
    dwarf.compile_unit(text, 100);
    const auto g = dwarf.abstract("g");
    dwarf.subprogram("f", text, 50);
    dwarf.die(DW_TAG_lexical_block,
              {{DW_AT_low_pc, DW_FORM_addr, text + 5, {}}, {DW_AT_high_pc, DW_FORM_data4, 30, {}}},
              true);
    dwarf.inlined(g, text + 10, 10);
    dwarf.end();
    dwarf.end();
    dwarf.end();
    dwarf.end();
    dwarf.end_unit();

    CHECK(chain(dwarf, text + 6) == "f");
    CHECK(chain(dwarf, text + 12) == "g<f");
}

TEST_CASE("an inlined call without addresses still is a frame of what is inlined into it") {
    DwarfBuilder dwarf;
    dwarf.begin_unit();
    dwarf.compile_unit(text, 100);
    const auto g = dwarf.abstract("g");
    const auto h = dwarf.abstract("h");
    dwarf.subprogram("f", text, 50);
    dwarf.die(DW_TAG_inlined_subroutine, {origin(g)}, true);
    dwarf.inlined(h, text + 10, 10);
    dwarf.end();
    dwarf.end();
    dwarf.end();
    dwarf.end();
    dwarf.end_unit();

    CHECK(chain(dwarf, text + 12) == "h<g<f");
}

TEST_CASE("range lists of DWARF 4 are relative to the unit, and may set another base") {
    DwarfBuilder dwarf;
    for (const std::uint64_t word : {std::uint64_t{4}, std::uint64_t{8},     // unit + 4 ...
                                     UINT64_MAX, text + 50,                  // base
                                     std::uint64_t{0}, std::uint64_t{10},    // base + 0 ...
                                     std::uint64_t{0}, std::uint64_t{0}}) {  // end
        dwarf.ranges.u64(word);
    }
    dwarf.begin_unit();
    dwarf.compile_unit(text, 100);
    const auto g = dwarf.abstract("g");
    dwarf.subprogram("f", text, 100);
    dwarf.die(DW_TAG_inlined_subroutine, {origin(g), ranges_at(0)});
    dwarf.end();
    dwarf.end();
    dwarf.end_unit();
    const DwarfIndex index = open_index(dwarf);

    CHECK(chain(index, text + 3) == "f");
    CHECK(chain(index, text + 4) == "g<f");
    CHECK(chain(index, text + 8) == "f");
    CHECK(chain(index, text + 50) == "g<f");
    CHECK(chain(index, text + 60) == "f");
}

TEST_CASE("all kinds of DWARF 5 range list entries") {
    DwarfBuilder dwarf;
    for (const std::uint64_t address : {text + 60, text + 70, text + 80}) dwarf.addr.u64(address);
    Sink& list = dwarf.rnglists;
    list.u8(DW_RLE_offset_pair);  // relative to the unit
    list.uleb(2);
    list.uleb(4);
    list.u8(DW_RLE_base_address);
    list.u64(text + 10);
    list.u8(DW_RLE_offset_pair);
    list.uleb(2);
    list.uleb(4);
    list.u8(DW_RLE_start_end);
    list.u64(text + 20);
    list.u64(text + 22);
    list.u8(DW_RLE_start_length);
    list.u64(text + 30);
    list.uleb(2);
    list.u8(DW_RLE_startx_length);
    list.uleb(0);
    list.uleb(2);
    list.u8(DW_RLE_startx_endx);
    list.uleb(1);
    list.uleb(2);
    list.u8(DW_RLE_base_addressx);
    list.uleb(2);
    list.u8(DW_RLE_offset_pair);
    list.uleb(5);
    list.uleb(6);
    list.u8(DW_RLE_end_of_list);
    dwarf.begin_unit({.version = 5});
    dwarf.compile_unit(text, 100);
    const auto g = dwarf.abstract("g");
    dwarf.subprogram("f", text, 100);
    dwarf.die(DW_TAG_inlined_subroutine, {origin(g), ranges_at(0)});
    dwarf.end();
    dwarf.end();
    dwarf.end_unit();
    const DwarfIndex index = open_index(dwarf);

    std::string inside;
    for (std::uint64_t at = 0; at < 100; ++at) {
        if (chain(index, text + at) == "g<f") inside += std::to_string(at) + ' ';
    }
    CHECK(inside == "2 3 12 13 20 21 30 31 60 61 70 71 72 73 74 75 76 77 78 79 85 ");
}

TEST_CASE("a range list may be named by its index") {
    DwarfBuilder dwarf;
    dwarf.rnglists.u64(0);  // where a header is
    dwarf.rnglists.u32(8);  // offset 0: behind two offsets
    dwarf.rnglists.u32(12);
    dwarf.rnglists.u8(DW_RLE_end_of_list);
    dwarf.rnglists.resize(8 + 12);
    dwarf.rnglists.u8(DW_RLE_start_length);
    dwarf.rnglists.u64(text);
    dwarf.rnglists.uleb(3);
    dwarf.rnglists.u8(DW_RLE_end_of_list);
    dwarf.begin_unit({.version = 5});
    dwarf.die(
        DW_TAG_compile_unit,
        {{DW_AT_rnglists_base, DW_FORM_sec_offset, 8, {}}, {DW_AT_ranges, DW_FORM_rnglistx, 1, {}}},
        true);
    dwarf.subprogram("f", text, 100);
    dwarf.end();
    dwarf.end();
    dwarf.end_unit();

    CHECK(chain(dwarf, text + 2) == "f");
    CHECK(chain(dwarf, text + 3) == "-");  // the unit says it is not its own
}

TEST_CASE("a small unit may have many ranges") {
    // clang's skeleton units: 60 bytes, and a range for each function in a section of its own.
    DwarfBuilder dwarf;
    constexpr std::uint64_t functions = 2000;
    for (std::uint64_t i = 0; i < functions; ++i) {
        dwarf.ranges.u64(text + i * 20);
        dwarf.ranges.u64(text + i * 20 + 10);
    }
    dwarf.ranges.u64(0);
    dwarf.ranges.u64(0);
    dwarf.begin_unit();
    dwarf.die(DW_TAG_compile_unit, {ranges_at(0)}, true);
    const std::uint64_t last = text + (functions - 1) * 20;
    dwarf.subprogram("last", last, 10);
    dwarf.end();
    dwarf.end();
    dwarf.end_unit();
    const DwarfIndex index = open_index(dwarf);

    CHECK(chain(index, last) == "last");
    CHECK(index.stats().problems.bad_ranges == 0);
}

TEST_CASE("a unit that does not say where its code is, is searched when no other has the address") {
    DwarfBuilder dwarf;
    dwarf.begin_unit();
    dwarf.compile_unit(text, 10);
    dwarf.subprogram("here", text, 10);
    dwarf.end();
    dwarf.end();
    dwarf.end_unit();
    dwarf.begin_unit();
    dwarf.die(DW_TAG_compile_unit, {name("nowhere.c")}, true);
    dwarf.subprogram("there", text + 50, 10);
    dwarf.end();
    dwarf.end();
    dwarf.end_unit();
    const DwarfIndex index = open_index(dwarf);

    CHECK(chain(index, text + 5) == "here");
    CHECK(index.stats().units_walked == 1);
    CHECK(chain(index, text + 55) == "there");
    CHECK(chain(index, text + 70) == "-");
    CHECK(index.stats().units_walked == 2);
}

TEST_CASE("of units that claim the same address the one with a function there is taken") {
    DwarfBuilder dwarf;
    for (const std::uint64_t at : {std::uint64_t{0}, std::uint64_t{40}}) {
        dwarf.begin_unit();
        dwarf.compile_unit(text, 100);
        dwarf.subprogram(at == 0 ? "low" : "high", text + at, 10);
        dwarf.end();
        dwarf.end();
        dwarf.end_unit();
    }
    const DwarfIndex index = open_index(dwarf);

    CHECK(chain(index, text + 5) == "low");
    CHECK(chain(index, text + 45) == "high");
}

TEST_CASE("functions the linker dropped do not hide those that took their place") {
    // ld gives them address 0, lld -1 (or -2 in DWARF 4 range lists); 0x2000 bytes at 0 reach into
    // the .text of a shared library.
    DwarfBuilder dwarf;
    dwarf.begin_unit();
    dwarf.die(DW_TAG_compile_unit, {name("x.cc")}, true);
    dwarf.subprogram("kept", text, 100);
    dwarf.end();
    dwarf.subprogram("dropped", 0, 0x2000);
    dwarf.end();
    dwarf.subprogram("dropped", UINT64_MAX, 0x2000);
    dwarf.end();
    dwarf.subprogram("dropped", UINT64_MAX - 1, 0x2000);
    dwarf.end();
    dwarf.end();
    dwarf.end_unit();
    DwarfInputs inputs;
    inputs.debug_file = dwarf.sections();
    inputs.debug_file.code = {{text, text + 0x1000}};
    const auto index = DwarfIndex::open(std::move(inputs));

    REQUIRE(index);
    CHECK(chain(*index, text + 5) == "kept");
    CHECK(chain(*index, text + 500) == "-");
    CHECK(chain(*index, UINT64_MAX - 1) == "-");
}

TEST_CASE("32-bit addresses, 64-bit DWARF and big-endian files") {
    for (const Endian endian : {Endian::little, Endian::big}) {
        for (const bool wide : {false, true}) {
            for (const std::uint16_t version : std::initializer_list<std::uint16_t>{2, 3, 4, 5}) {
                CAPTURE(wide);
                CAPTURE(version);
                DwarfBuilder dwarf(endian);
                dwarf.begin_unit({.version = version, .address_size = 4, .wide = wide});
                dwarf.die(DW_TAG_compile_unit,
                          {{DW_AT_low_pc, DW_FORM_addr, text, {}},
                           {DW_AT_high_pc, DW_FORM_addr, text + 100, {}}},
                          true);
                const auto g = dwarf.abstract("g");
                dwarf.die(DW_TAG_subprogram,
                          {name("f"),
                           {DW_AT_low_pc, DW_FORM_addr, text, {}},
                           {DW_AT_high_pc, DW_FORM_addr, text + 50, {}}},
                          true);
                dwarf.die(DW_TAG_inlined_subroutine,
                          {{DW_AT_abstract_origin, DW_FORM_ref_addr, g, {}},
                           {DW_AT_low_pc, DW_FORM_addr, text + 10, {}},
                           {DW_AT_high_pc, DW_FORM_addr, text + 20, {}}});
                dwarf.end();
                dwarf.end();
                dwarf.end_unit();
                CHECK(chain(dwarf, text + 10) == "g<f");
            }
        }
    }
}

TEST_CASE("children that cannot hold code are skipped where a sibling says how far") {
    DwarfBuilder dwarf;
    dwarf.begin_unit();
    dwarf.compile_unit(text, 100);
    dwarf.subprogram("f", text, 100);
    const std::uint32_t call = dwarf.next();
    // The DIE is 5 bytes, its three children 1 each, their end 1.
    dwarf.die(DW_TAG_GNU_call_site, {{DW_AT_sibling, DW_FORM_ref4, call + 9, {}}}, true);
    for (int i = 0; i < 3; ++i) dwarf.die(DW_TAG_GNU_call_site_parameter, {});
    dwarf.end();
    REQUIRE(dwarf.next() == call + 9);
    dwarf.end();
    dwarf.subprogram("g", text + 50, 10);
    dwarf.end();
    dwarf.end();
    dwarf.end_unit();
    const DwarfIndex index = open_index(dwarf);

    CHECK(chain(index, text + 55) == "g");
    CHECK(index.stats().dies_walked == 4);
    CHECK(index.stats().problems.cut_walks == 0);
}

TEST_CASE("threads that ask for the same units at once get the same answers") {
    DwarfBuilder dwarf;
    constexpr std::uint64_t unit_count = 50;
    for (std::uint64_t i = 0; i < unit_count; ++i) {
        dwarf.begin_unit();
        dwarf.compile_unit(text + i * 100, 100);
        const auto g = dwarf.abstract("g");
        dwarf.die(DW_TAG_namespace, {name("n")}, true);
        dwarf.subprogram("f", text + i * 100, 100);
        dwarf.inlined(g, text + i * 100 + 50, 10);
        for (int ends = 0; ends < 4; ++ends) dwarf.end();
        dwarf.end_unit();
    }
    const DwarfIndex index = open_index(dwarf);
    std::vector<std::thread> threads;
    std::vector<int> wrong(4, 0);
    for (std::size_t t = 0; t < wrong.size(); ++t) {
        threads.emplace_back([&, t] {
            for (std::uint64_t i = 0; i < unit_count; ++i) {
                if (chain(index, text + i * 100 + 10) != "n::f") ++wrong[t];
                if (chain(index, text + i * 100 + 55) != "g<n::f") ++wrong[t];
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(wrong == std::vector<int>{0, 0, 0, 0});
    CHECK(index.stats().units_walked == unit_count);
}
