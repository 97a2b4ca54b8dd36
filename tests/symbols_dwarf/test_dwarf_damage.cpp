#include <doctest/doctest.h>

#include <dwarf.h>

#include <chrono>

#include "chains.h"

using namespace fgread;
using namespace fgread::test;

namespace {

constexpr std::uint64_t text = 0x1000;

DwarfBuilder sound() {
    DwarfBuilder dwarf;
    for (const std::uint64_t word : std::initializer_list<std::uint64_t>{40, 50, 0, 0})
        dwarf.ranges.u64(word);
    dwarf.begin_unit();
    dwarf.compile_unit(text, 100);
    const auto g = dwarf.abstract("g");
    dwarf.subprogram("first", text, 20);
    dwarf.end();
    dwarf.die(DW_TAG_namespace, {{DW_AT_name, DW_FORM_string, 0, "n"}}, true);
    dwarf.subprogram("second", text + 30, 40);
    dwarf.inlined(g, text + 32, 5);
    dwarf.end();
    dwarf.die(DW_TAG_inlined_subroutine, {{DW_AT_abstract_origin, DW_FORM_ref4, g, {}},
                                          {DW_AT_ranges, DW_FORM_sec_offset, 0, {}}});
    dwarf.end();
    dwarf.end();
    dwarf.end();
    dwarf.end_unit();
    return dwarf;
}

std::string all_chains(const DwarfBuilder& dwarf) {
    const DwarfIndex index = open_index(dwarf);
    std::string result;
    for (std::uint64_t at = 0; at < 100; at += 5) result += chain(index, text + at) + ' ';
    return result;
}

double seconds_of(const DwarfBuilder& dwarf, std::uint64_t pc) {
    const auto start = std::chrono::steady_clock::now();
    chain(dwarf, pc);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

TEST_CASE("no .debug_info is no index") {
    DwarfInputs inputs;
    CHECK_FALSE(DwarfIndex::open(std::move(inputs)).has_value());
}

TEST_CASE("what precedes a DIE of unknown abbreviation is used") {
    DwarfBuilder dwarf;
    dwarf.begin_unit();
    dwarf.compile_unit(text, 100);
    dwarf.subprogram("before", text, 20);
    dwarf.end();
    dwarf.info.uleb(77);
    dwarf.subprogram("after", text + 20, 20);
    dwarf.end();
    dwarf.end();
    dwarf.end_unit();
    const DwarfIndex index = open_index(dwarf);
    CHECK(chain(index, text) == "before");
    CHECK(chain(index, text + 20) == "-");
    CHECK(index.stats().problems.cut_walks == 1);
}

TEST_CASE("what precedes a DIE with an unknown form is used") {
    DwarfBuilder dwarf;
    dwarf.begin_unit();
    dwarf.compile_unit(text, 100);
    dwarf.subprogram("before", text, 20);
    dwarf.end();
    dwarf.die(DW_TAG_variable, {{DW_AT_name, 0x7777, 0, {}}});
    dwarf.end();
    dwarf.end_unit();
    const DwarfIndex index = open_index(dwarf);
    CHECK(chain(index, text) == "before");
    CHECK(index.stats().problems.cut_walks == 1);
}

TEST_CASE("a unit whose header makes no sense is skipped, the next is used") {
    for (const std::size_t at : {std::size_t{4}, std::size_t{10}}) {  // version, address size
        DwarfBuilder dwarf;
        for (const std::uint64_t low : {text, text + 100}) {
            dwarf.begin_unit();
            dwarf.compile_unit(low, 100);
            dwarf.subprogram("f", low, 20);
            dwarf.end();
            dwarf.end();
            dwarf.end_unit();
        }
        dwarf.info.patch(at, 99, 1);
        const DwarfIndex index = open_index(dwarf);
        CHECK(chain(index, text) == "-");
        CHECK(chain(index, text + 100) == "f");
        CHECK(index.stats().problems.bad_units == 1);
    }
}

TEST_CASE("sections cut anywhere") {
    const DwarfBuilder whole = sound();
    for (std::size_t size = 0; size <= whole.info.size(); ++size) {
        DwarfBuilder cut = whole;
        cut.info.resize(size);
        if (size >= 4) cut.info.patch(0, size - 4, 4);
        if (size > 0) all_chains(cut);
    }
    for (std::size_t size = 0; size <= whole.abbrev.size(); ++size) {
        DwarfBuilder cut = whole;
        cut.abbrev.resize(size);
        all_chains(cut);
    }
    for (std::size_t size = 0; size < whole.ranges.size(); ++size) {
        DwarfBuilder cut = whole;
        cut.ranges.resize(size);
        CHECK(open_index(cut).stats().units == 1);
        CHECK(all_chains(cut).starts_with("first first"));
    }
}

TEST_CASE("any byte of the DIEs and abbreviations may be any other") {
    const DwarfBuilder whole = sound();
    for (std::size_t at = 0; at < whole.info.size(); ++at) {
        for (const int value : {0, 1, 2, 5, 0x7f, 0x80, 0xff}) {
            DwarfBuilder bad = whole;
            bad.info.patch(at, static_cast<std::uint64_t>(value), 1);
            all_chains(bad);
        }
    }
    for (std::size_t at = 0; at < whole.abbrev.size(); ++at) {
        for (const int value : {0, 1, 8, 0x16, 0x21, 0x7f, 0x80, 0xff}) {
            DwarfBuilder bad = whole;
            bad.abbrev.patch(at, static_cast<std::uint64_t>(value), 1);
            all_chains(bad);
        }
    }
}

TEST_CASE("functions inlined a hundred thousand deep make a bounded chain") {
    DwarfBuilder dwarf;
    dwarf.begin_unit();
    dwarf.compile_unit(text, 100);
    const auto g = dwarf.abstract("g");
    dwarf.subprogram("f", text, 20);
    constexpr int depth = 100'000;
    for (int i = 0; i < depth; ++i) dwarf.inlined(g, text, 10);
    for (int i = 0; i < depth + 2; ++i) dwarf.end();
    dwarf.end_unit();
    const DwarfIndex index = open_index(dwarf);
    std::vector<InlineFrame> frames;
    index.chain(Svma{text}, false, frames);
    CHECK(frames.size() == max_inline_chain);
    CHECK(chain(index, text + 15) == "f");
}

TEST_CASE("a sibling that points back, at itself or outside does not lead the walk astray") {
    for (const std::uint64_t sibling : {0U, 12U, 29U, 34U, 0x7fff'ffffU}) {
        DwarfBuilder dwarf;
        dwarf.begin_unit();
        dwarf.compile_unit(text, 100);
        dwarf.die(DW_TAG_array_type, {{DW_AT_sibling, DW_FORM_ref4, sibling, {}}}, true);
        dwarf.end();
        dwarf.subprogram("f", text, 20);
        dwarf.end();
        dwarf.end();
        dwarf.end_unit();
        CHECK(chain(dwarf, text) == "f");
    }
}

TEST_CASE("many DIEs that name one long range list cost no more than their bytes") {
    DwarfBuilder dwarf;
    constexpr std::uint64_t entries = 100'000;
    for (std::uint64_t i = 1; i <= entries; ++i) {
        dwarf.ranges.u64(i * 2);
        dwarf.ranges.u64(i * 2 + 1);
    }
    dwarf.ranges.u64(0);
    dwarf.ranges.u64(0);
    dwarf.begin_unit();
    dwarf.die(DW_TAG_compile_unit, {}, true);
    dwarf.subprogram("f", text, 20);
    for (std::uint64_t i = 0; i < entries; ++i) {
        dwarf.die(DW_TAG_inlined_subroutine, {{DW_AT_ranges, DW_FORM_sec_offset, 0, {}}});
    }
    dwarf.end();
    dwarf.end();
    dwarf.end_unit();
    CHECK(seconds_of(dwarf, text) < 5.0);  // 10^10 entries would take minutes
    CHECK(open_index(dwarf).stats().problems.bad_ranges == 0);
}

TEST_CASE("abbreviation tables that overlap cost no more than twice their bytes") {
    // A table of one abbreviation after the other; each unit starts one later.
    DwarfBuilder dwarf;
    constexpr std::uint64_t count = 100'000;
    for (std::uint64_t i = 0; i < count; ++i) {
        for (const int byte : std::initializer_list<int>{1, DW_TAG_compile_unit, 1, DW_AT_language,
                                                         DW_FORM_data1, 0, 0}) {
            dwarf.abbrev.u8(static_cast<std::uint64_t>(byte));
        }
    }
    for (std::uint64_t i = 0; i < count; ++i) {
        dwarf.info.u32(10);
        dwarf.info.u16(4);
        dwarf.info.u32(i * 7);
        dwarf.info.u8(8);
        dwarf.info.u8(1);
        dwarf.info.u8(DW_LANG_C99);
        dwarf.info.u8(0);
    }
    CHECK(seconds_of(dwarf, text) < 5.0);  // 5 * 10^9 abbreviations would take minutes
}

TEST_CASE("attributes that take no bytes do not make a DIE of one byte expensive") {
    DwarfBuilder dwarf;
    constexpr int count = 100'000;
    const auto put = [&](int code, int tag, int attributes) {
        for (const int value : {code, tag, 1}) dwarf.abbrev.u8(static_cast<std::uint64_t>(value));
        for (int i = 0; i < attributes; ++i) {
            dwarf.abbrev.uleb(DW_AT_low_pc);
            dwarf.abbrev.uleb(DW_FORM_implicit_const);
            dwarf.abbrev.u8(0);
        }
        dwarf.abbrev.u8(0);
        dwarf.abbrev.u8(0);
    };
    put(1, DW_TAG_compile_unit, 0);
    put(2, DW_TAG_subprogram, count);
    dwarf.info.u32(8 + count);
    dwarf.info.u16(4);
    dwarf.info.u32(0);
    dwarf.info.u8(8);
    dwarf.info.u8(1);
    for (int i = 0; i < count; ++i) dwarf.info.u8(2);
    CHECK(seconds_of(dwarf, text) < 5.0);  // 10^10 attributes would take minutes
}

TEST_CASE("scopes nested deeply and closed do not make each later name expensive") {
    DwarfBuilder dwarf;
    dwarf.begin_unit();
    dwarf.compile_unit(text, 1 << 20);
    constexpr int depth = 200'000;
    for (int i = 0; i < depth; ++i) dwarf.die(DW_TAG_namespace, {}, true);
    for (int i = 0; i < depth; ++i) dwarf.end();
    constexpr std::uint64_t functions = 50'000;
    for (std::uint64_t i = 0; i < functions; ++i) {
        dwarf.subprogram("f", text + i * 4, 4);
        dwarf.end();
    }
    dwarf.end();
    dwarf.end_unit();
    const DwarfIndex index = open_index(dwarf);
    const auto start = std::chrono::steady_clock::now();
    for (std::uint64_t i = 0; i < functions; ++i) chain(index, text + i * 4);
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));
}

TEST_CASE("units of a few bytes each do not take memory out of proportion") {
    DwarfBuilder dwarf;
    for (const int byte : std::initializer_list<int>{1, DW_TAG_compile_unit, 0, 0, 0, 0}) {
        dwarf.abbrev.u8(static_cast<std::uint64_t>(byte));
    }
    constexpr std::uint64_t count = 500'000;
    for (std::uint64_t i = 0; i < count; ++i) {
        dwarf.info.u32(8);
        dwarf.info.u16(4);
        dwarf.info.u32(0);
        dwarf.info.u8(8);
        dwarf.info.u8(1);
    }
    const DwarfStats stats = open_index(dwarf).stats();
    CHECK(stats.units < 200'000);
    CHECK(stats.problems.bad_units == 1);
}
