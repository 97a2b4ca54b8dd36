#include <doctest/doctest.h>

#include <thread>
#include <vector>

#include "support/cfi_builder.h"
#include "unwind/unwind_table.h"

using namespace fgread;
using fgread::test::CfiBuilder;
using fgread::test::CfiBytes;
using fgread::test::CieSpec;

namespace {

constexpr std::uint64_t frame_address = 0x100000;
constexpr std::uint64_t header_address = 0x90000;

// def_cfa_offset: by which the tests recognise an FDE.
CfiBytes cfa_offset(unsigned offset) { return CfiBytes{0x0e}.uleb(offset); }

// The CFA offset of the rule at pc, 0 without a rule.
std::int64_t cfa_at(const UnwindTable& table, std::uint64_t pc) {
    const UnwindRule* rule = table.find(Svma{pc});
    return rule ? rule->cfa.offset : 0;
}

UnwindSections with_header(const CfiBuilder& builder, const CfiBytes& header) {
    UnwindSections sections = builder.sections();
    sections.eh_frame_hdr = header.view();
    sections.eh_frame_hdr_address = {header_address};
    return sections;
}

// Three functions, at 0x1000, 0x1100 and 0x1180 with a gap before the last.
CfiBuilder three_functions() {
    CfiBuilder builder = CfiBuilder::eh_frame(frame_address);
    const std::size_t cie = builder.cie();
    builder.fde(cie, 0x1000, 0x100, CfiBytes{0x44}.add(cfa_offset(16)));
    builder.fde(cie, 0x1100, 0x60, cfa_offset(24));
    builder.fde(cie, 0x1180, 0x80, cfa_offset(32));
    builder.terminator();
    return builder;
}

void check_three_functions(const UnwindTable& table) {
    CHECK(cfa_at(table, 0x0fff) == 0);
    CHECK(cfa_at(table, 0x1000) == 8);
    CHECK(cfa_at(table, 0x1003) == 8);
    CHECK(cfa_at(table, 0x1004) == 16);
    CHECK(cfa_at(table, 0x10ff) == 16);
    CHECK(cfa_at(table, 0x1100) == 24);
    CHECK(cfa_at(table, 0x115f) == 24);
    CHECK(cfa_at(table, 0x1160) == 0);
    CHECK(cfa_at(table, 0x117f) == 0);
    CHECK(cfa_at(table, 0x1180) == 32);
    CHECK(cfa_at(table, 0x11ff) == 32);
    CHECK(cfa_at(table, 0x1200) == 0);
    CHECK(cfa_at(table, 0) == 0);
    CHECK(cfa_at(table, ~std::uint64_t{0}) == 0);
    // More addresses than a table searches .eh_frame for.
    unsigned found = 0;
    for (std::uint64_t pc = 0x1000; pc < 0x1200; ++pc) found += cfa_at(table, pc) != 0;
    CHECK(found == 0x100 + 0x60 + 0x80);
}

}  // namespace

TEST_CASE("rules are found through .eh_frame_hdr") {
    const CfiBuilder builder = three_functions();
    const CfiBytes header = builder.header(header_address, builder.table());
    check_three_functions(UnwindTable(with_header(builder, header)));
}

TEST_CASE("rules are found without .eh_frame_hdr") {
    const CfiBuilder builder = three_functions();
    check_three_functions(UnwindTable(builder.sections()));
}

TEST_CASE("rules are found with .debug_frame only") {
    CfiBuilder builder = CfiBuilder::debug_frame();
    CieSpec spec;
    spec.version = 4;
    spec.augmentation = "";
    const std::size_t cie = builder.cie(spec);
    builder.fde(cie, 0x1000, 0x100, CfiBytes{0x44}.add(cfa_offset(16)));
    builder.fde(cie, 0x1100, 0x60, cfa_offset(24));
    builder.fde(cie, 0x1180, 0x80, cfa_offset(32));
    check_three_functions(UnwindTable(builder.sections()));
}

TEST_CASE(".debug_frame answers only where .eh_frame does not") {
    const CfiBuilder eh_frame = three_functions();
    CfiBuilder debug_frame = CfiBuilder::debug_frame();
    CieSpec spec;
    spec.augmentation = "";
    debug_frame.fde(debug_frame.cie(spec), 0x1100, 0x80, cfa_offset(88));
    UnwindSections sections = eh_frame.sections();
    sections.debug_frame = debug_frame.sections().debug_frame;
    const UnwindTable table(sections);
    CHECK(cfa_at(table, 0x1100) == 24);
    CHECK(cfa_at(table, 0x1160) == 88);
    CHECK(cfa_at(table, 0x1180) == 32);
}

TEST_CASE("functions the linker dropped stay in .debug_frame at address 0 and are ignored") {
    CfiBuilder builder = CfiBuilder::debug_frame();
    CieSpec spec;
    spec.augmentation = "";
    const std::size_t cie = builder.cie(spec);
    builder.fde(cie, 0, 0x2000, cfa_offset(16));
    builder.fde(cie, 0x3000, 0x10, cfa_offset(24));
    const UnwindTable table(builder.sections());
    CHECK(cfa_at(table, 0x1000) == 0);
    CHECK(cfa_at(table, 0x3000) == 24);
}

TEST_CASE("nothing is compiled before a lookup, and then one function") {
    CfiBuilder builder = CfiBuilder::eh_frame(frame_address);
    const std::size_t cie = builder.cie();
    for (unsigned i = 0; i < 100; ++i) builder.fde(cie, 0x10000 + i * 0x200, 0x200);
    const CfiBytes header = builder.header(header_address, builder.table());
    const UnwindTable table(with_header(builder, header));
    CHECK(table.stats().fdes_compiled == 0);
    CHECK(cfa_at(table, 0x14000) == 8);
    CHECK(table.stats().fdes_compiled == 1);
    CHECK(table.stats().rules == 1);
    CHECK(cfa_at(table, 0x14123) == 8);
    CHECK(table.stats().rows == 1);
    CHECK(cfa_at(table, 0x14200) == 8);  // in the same block
    CHECK(table.stats().fdes_compiled == 2);
}

TEST_CASE("functions of a block may be met in any order") {
    CfiBuilder builder = CfiBuilder::eh_frame(frame_address);
    const std::size_t cie = builder.cie();
    constexpr unsigned functions = 7;  // 1000 bytes each, and a gap of 24: a block and a bit
    for (unsigned i = 0; i < functions; ++i) {
        builder.fde(cie, 0x10001 + i * 1024, 1000, CfiBytes{0x44}.add(cfa_offset(16 + i)));
    }
    const CfiBytes header = builder.header(header_address, builder.table());
    for (const UnwindSections& sections : {builder.sections(), with_header(builder, header)}) {
        for (unsigned stride = 1; stride < functions; ++stride) {
            const UnwindTable table(sections);
            for (unsigned i = 0; i < functions; ++i) {
                const unsigned at = i * stride % functions;
                const std::uint64_t start = 0x10001 + at * 1024;
                CHECK(cfa_at(table, start + 999) == 16 + at);
                CHECK(cfa_at(table, start + 4) == 16 + at);
                CHECK(cfa_at(table, start) == 8);
                CHECK(cfa_at(table, start - 1) == 0);
                CHECK(cfa_at(table, start + 1000) == 0);
            }
        }
    }
}

TEST_CASE("a function may span blocks, and its rows begin in any of them") {
    CfiBuilder builder = CfiBuilder::eh_frame(frame_address);
    CfiBytes program;
    for (unsigned i = 0; i < 100; ++i) program.u8(0x03).u16(1000).add(cfa_offset(16 + i));
    builder.fde(builder.cie(), 0x10001, 101000, program);
    const UnwindTable table(builder.sections());
    for (const unsigned at : {99u, 0u, 50u, 8u, 9u, 16u, 17u}) {
        CHECK(cfa_at(table, 0x10001 + at * 1000) == (at == 0 ? 8 : 15 + at));
        CHECK(cfa_at(table, 0x10001 + at * 1000 + 999) == (at == 0 ? 8 : 15 + at));
    }
    CHECK(cfa_at(table, 0x10001 + 101000) == 0);
}

TEST_CASE("every pc of a block with a row at each byte") {
    CfiBuilder builder = CfiBuilder::eh_frame(frame_address);
    CfiBytes program;
    for (unsigned i = 1; i < 8192; ++i) program.u8(0x41).add(cfa_offset(i));
    builder.fde(builder.cie(), 0x20000, 8192, program);
    const UnwindTable table(builder.sections());
    for (unsigned i = 1; i < 8192; ++i) REQUIRE(cfa_at(table, 0x20000 + i) == i);
}

TEST_CASE("equal rows share a rule, whatever FDE they are from") {
    const CfiBuilder builder = three_functions();
    const UnwindTable table(builder.sections());
    CHECK(table.find(Svma{0x1004}) == table.find(Svma{0x10ff}));
    CHECK(table.find(Svma{0x1004}) != table.find(Svma{0x1100}));
}

TEST_CASE("the same instructions mean for each CIE what it says, however many there are") {
    CfiBuilder builder = CfiBuilder::eh_frame(frame_address);
    constexpr unsigned count = 300;
    for (unsigned i = 0; i < count; ++i) {
        CieSpec spec;
        spec.instructions = CfiBytes{0x0c, 7}.uleb(8 + i);
        spec.data_alignment = -8 * static_cast<int>(i + 1);
        builder.fde(builder.cie(spec), 0x10000 + i * 0x10, 0x10,
                    CfiBytes{0x44, 0x0d, 6, 0x86, 2, 0x44, 0xc6, 0, 0, 0});
    }
    const UnwindTable table(builder.sections());
    for (const unsigned i : {0u, 1u, 2u, count - 1, count / 2, 0u}) {
        const std::uint64_t start = 0x10000 + i * 0x10;
        CHECK(cfa_at(table, start) == 8 + i);
        CHECK(cfa_at(table, start + 4) == 8 + i);
        const UnwindRule* saved = table.find(Svma{start + 4});
        REQUIRE(saved);
        CHECK(saved->cfa.source == 6);
        CHECK(saved->rule_of(6).offset == -16 * static_cast<int>(i + 1));
        const UnwindRule* restored = table.find(Svma{start + 8});
        REQUIRE(restored);
        CHECK(restored->rule_of(6).kind == RuleKind::unspecified);
    }
    for (unsigned i = 0; i < count; ++i) CHECK(cfa_at(table, 0x10004 + i * 0x10) == 8 + i);
}

TEST_CASE("a function may do more at once than is remembered of it") {
    CfiBuilder builder = CfiBuilder::eh_frame(frame_address);
    const std::size_t cie = builder.cie();
    for (const unsigned start : {0x1000u, 0x1100u}) {
        CfiBytes program{0x44};
        for (unsigned reg = 0; reg < 16; ++reg) program.u8(0x80 + reg).uleb(200 + reg);
        builder.fde(cie, start, 0x100, program.u8(0x44).add(cfa_offset(70000)).u8(0x44));
    }
    const UnwindTable table(builder.sections());
    for (const unsigned start : {0x1000u, 0x1100u}) {
        const UnwindRule* rule = table.find(Svma{start + 4});
        REQUIRE(rule);
        CHECK(rule->registers.size() == 17);
        CHECK(rule->rule_of(15).offset == -8 * 215);
        CHECK(cfa_at(table, start) == 8);
        CHECK(cfa_at(table, start + 8) == 70000);
        CHECK(cfa_at(table, start + 0xff) == 70000);
    }
}

TEST_CASE("of overlapping FDEs the one with the largest start wins, and then the outer shows") {
    CfiBuilder builder = CfiBuilder::eh_frame(frame_address);
    const std::size_t cie = builder.cie();
    builder.fde(cie, 0x1040, 0x20, cfa_offset(24));
    builder.fde(cie, 0x1000, 0x100, CfiBytes(cfa_offset(16)).u8(0x02).u8(0x70).add(cfa_offset(88)));
    builder.fde(cie, 0x1050, 0x08, cfa_offset(32));
    builder.fde(cie, 0x1010, 0, cfa_offset(99));
    const CfiBytes header = builder.header(header_address, builder.table());
    for (const UnwindSections& sections : {builder.sections(), with_header(builder, header)}) {
        const UnwindTable table(sections);
        CHECK(cfa_at(table, 0x1010) == 16);
        CHECK(cfa_at(table, 0x103f) == 16);
        CHECK(cfa_at(table, 0x1040) == 24);
        CHECK(cfa_at(table, 0x1050) == 32);
        CHECK(cfa_at(table, 0x1057) == 32);
        CHECK(cfa_at(table, 0x1058) == 24);
        CHECK(cfa_at(table, 0x1060) == 16);
        CHECK(cfa_at(table, 0x1070) == 88);
        CHECK(cfa_at(table, 0x10ff) == 88);
    }
}

TEST_CASE("an FDE that the header leaves out is found after others were searched for") {
    const CfiBuilder builder = three_functions();
    const auto table = builder.table();
    // The third for the second: as many entries as there are FDEs.
    for (const bool is_listed_twice : {false, true}) {
        CAPTURE(is_listed_twice);
        auto entries = table;
        entries.erase(entries.begin() + 1);
        if (is_listed_twice) entries.push_back(entries.back());
        const CfiBytes header = builder.header(header_address, entries);
        const UnwindTable of_two(with_header(builder, header));
        CHECK(cfa_at(of_two, 0x117f) == 0);
        CHECK(cfa_at(of_two, 0x1170) == 0);
        CHECK(cfa_at(of_two, 0x1100) == 24);
        CHECK(cfa_at(of_two, 0x1160) == 0);
        CHECK(cfa_at(of_two, 0x115f) == 24);
        check_three_functions(of_two);
    }
}

TEST_CASE("of thousands of gaps between FDEs, and of FDEs the header leaves out, each is known") {
    CfiBuilder builder = CfiBuilder::eh_frame(frame_address);
    const std::size_t cie = builder.cie();
    constexpr unsigned count = 2000;
    for (unsigned i = 0; i < count; ++i) builder.fde(cie, 0x1000 + 4 * i, 2, cfa_offset(16));
    builder.terminator();
    auto entries = builder.table();
    for (const unsigned left_out : {1990u, 1000u, 3u}) {
        entries.erase(entries.begin() + left_out);
    }
    const CfiBytes header = builder.header(header_address, entries);
    const UnwindTable table(with_header(builder, header));
    for (unsigned i = 0; i < count; ++i) {
        CAPTURE(i);
        CHECK(cfa_at(table, 0x1000 + 4 * i + 2) == 0);
        CHECK(cfa_at(table, 0x1000 + 4 * i + 1) == 16);
    }
}

// gold and mold list them as they come; lld lists one, ld refuses them.
TEST_CASE("of FDEs with one start the shorter wins, whichever the header lists last") {
    for (const bool shorter_first : {true, false}) {
        CAPTURE(shorter_first);
        CfiBuilder builder = CfiBuilder::eh_frame(frame_address);
        const std::size_t cie = builder.cie();
        if (shorter_first) builder.fde(cie, 0x1000, 0x500, cfa_offset(24));
        builder.fde(cie, 0x1000, 0x900, cfa_offset(16));
        if (!shorter_first) builder.fde(cie, 0x1000, 0x500, cfa_offset(24));
        const CfiBytes header = builder.header(header_address, builder.table());
        for (const UnwindSections& sections : {builder.sections(), with_header(builder, header)}) {
            const UnwindTable table(sections);
            for (std::uint64_t pc = 0x1000; pc < 0x1900; pc += 0x10) {
                CAPTURE(pc);
                CHECK(cfa_at(table, pc) == (pc < 0x1500 ? 24 : 16));
                const auto range = table.fde_range(Svma{pc});
                REQUIRE(range);
                CHECK(range->end == Svma{pc < 0x1500 ? 0x1500u : 0x1900u});
            }
        }
    }
}

TEST_CASE("a block full of functions has their rules, whichever is asked for first") {
    constexpr unsigned count = 1500;
    CfiBuilder builder = CfiBuilder::eh_frame(frame_address);
    const std::size_t cie = builder.cie();
    for (unsigned i = 0; i < count; ++i) builder.fde(cie, 0x1000 + i, 1, cfa_offset(16 + i % 3));
    const CfiBytes header = builder.header(header_address, builder.table());
    for (const UnwindSections& sections : {builder.sections(), with_header(builder, header)}) {
        for (const unsigned stride : {1u, 7u, count - 1}) {
            const UnwindTable table(sections);
            for (unsigned i = 0; i < count; ++i) {
                const unsigned at = i * stride % count;
                CHECK(cfa_at(table, 0x1000 + at) == 16 + at % 3);
            }
        }
    }
}

TEST_CASE("of FDEs with one start the shorter wins") {
    CfiBuilder builder = CfiBuilder::eh_frame(frame_address);
    const std::size_t cie = builder.cie();
    builder.fde(cie, 0x1010, 0x20, cfa_offset(24));
    builder.fde(cie, 0x1010, 0x100, cfa_offset(16));
    const CfiBytes header = builder.header(header_address, builder.table());
    for (const UnwindSections& sections : {builder.sections(), with_header(builder, header)}) {
        const UnwindTable table(sections);
        CHECK(cfa_at(table, 0x1010) == 24);
        CHECK(cfa_at(table, 0x1030) == 16);
    }
}

TEST_CASE("of FDEs with one range the last of the section wins") {
    CfiBuilder builder = CfiBuilder::eh_frame(frame_address);
    const std::size_t cie = builder.cie();
    builder.fde(cie, 0x1000, 0x100, cfa_offset(24));
    builder.fde(cie, 0x1000, 0x100, cfa_offset(16));
    auto entries = builder.table();
    std::swap(entries[0], entries[1]);
    const CfiBytes header = builder.header(header_address, entries);
    for (const UnwindSections& sections : {builder.sections(), with_header(builder, header)}) {
        CHECK(cfa_at(UnwindTable(sections), 0x1000) == 16);
    }
}

// lld lists them: clang gives a function that cannot be entered no instruction, but an FDE.
TEST_CASE("a header may end with functions of no size") {
    for (const unsigned empty : {1u, 3u, 300u}) {
        CAPTURE(empty);
        CfiBuilder builder = CfiBuilder::eh_frame(frame_address);
        const std::size_t cie = builder.cie();
        builder.fde(cie, 0x1000, 0x100, CfiBytes{0x44}.add(cfa_offset(16)));
        builder.fde(cie, 0x1100, 0x60, cfa_offset(24));
        builder.fde(cie, 0x1180, 0x80, cfa_offset(32));
        for (unsigned i = 0; i < empty; ++i) builder.fde(cie, 0x1200, 0, cfa_offset(99));
        const CfiBytes header = builder.header(header_address, builder.table());
        check_three_functions(UnwindTable(with_header(builder, header)));
    }
}

TEST_CASE("a header may list functions of no size in and before others") {
    CfiBuilder builder = CfiBuilder::eh_frame(frame_address);
    const std::size_t cie = builder.cie();
    for (const unsigned start : {0x1000u, 0x1080u, 0x1180u, 0x11f0u}) {
        builder.fde(cie, start, 0, cfa_offset(99));
    }
    builder.fde(cie, 0x1000, 0x100, CfiBytes{0x44}.add(cfa_offset(16)));
    builder.fde(cie, 0x1100, 0x60, cfa_offset(24));
    builder.fde(cie, 0x1180, 0x80, cfa_offset(32));
    const CfiBytes header = builder.header(header_address, builder.table());
    check_three_functions(UnwindTable(with_header(builder, header)));
}

TEST_CASE("a header that leaves FDEs out is completed by a scan of .eh_frame") {
    const CfiBuilder builder = three_functions();
    auto table = builder.table();
    table.erase(table.begin() + 1);
    const CfiBytes header = builder.header(header_address, table);
    check_three_functions(UnwindTable(with_header(builder, header)));
}

TEST_CASE("a pc between two functions does not compile them a second time") {
    const CfiBuilder builder = three_functions();
    const CfiBytes header = builder.header(header_address, builder.table());
    const UnwindTable table(with_header(builder, header));
    CHECK(cfa_at(table, 0x1170) == 0);
    const std::uint64_t rows = table.stats().rows;
    CHECK(cfa_at(table, 0x1161) == 0);
    CHECK(cfa_at(table, 0x117f) == 0);
    CHECK(table.stats().rows == rows);
}

TEST_CASE("a header in the wrong order is believed as far as the FDEs agree") {
    const CfiBuilder builder = three_functions();
    auto table = builder.table();
    std::swap(table[0], table[2]);
    const CfiBytes header = builder.header(header_address, table);
    check_three_functions(UnwindTable(with_header(builder, header)));
}

TEST_CASE("a header that points to the wrong FDEs, or nowhere, is not believed") {
    const CfiBuilder builder = three_functions();
    auto table = builder.table();
    std::swap(table[0].fde_offset, table[1].fde_offset);
    table[2].fde_offset = 0x7000000;
    const CfiBytes header = builder.header(header_address, table);
    check_three_functions(UnwindTable(with_header(builder, header)));

    auto first_is_bad = builder.table();
    first_is_bad.insert(first_is_bad.begin(), {0x11f0, 0x7000000});
    const CfiBytes unsorted = builder.header(header_address, first_is_bad);
    check_three_functions(UnwindTable(with_header(builder, unsorted)));
}

TEST_CASE("a header's count is clamped to its size, its other fields are checked") {
    const CfiBuilder builder = three_functions();
    CfiBytes header = builder.header(header_address, builder.table());
    header.patch(8, 0xffffffff, 4);
    check_three_functions(UnwindTable(with_header(builder, header)));
    header.patch(8, 0, 4);
    check_three_functions(UnwindTable(with_header(builder, header)));
    header.patch(3, 0xff, 1);  // no table
    check_three_functions(UnwindTable(with_header(builder, header)));
    header.patch(3, 0x01, 1);  // entries of no fixed size
    check_three_functions(UnwindTable(with_header(builder, header)));
    header.patch(0, 2, 1);  // version
    check_three_functions(UnwindTable(with_header(builder, header)));
    for (std::size_t size = 0; size < header.size(); ++size) {
        UnwindSections cut = with_header(builder, header);
        cut.eh_frame_hdr = cut.eh_frame_hdr.first(size);
        check_three_functions(UnwindTable(cut));
    }
}

TEST_CASE("a malformed FDE loses its own rows only") {
    CfiBuilder builder = CfiBuilder::eh_frame(frame_address);
    const std::size_t cie = builder.cie();
    builder.fde(cie, 0x1000, 0x100, CfiBytes(cfa_offset(16)).u8(0x44).u8(0x3f));
    builder.fde(cie, 0x1100, 0x100, cfa_offset(24));
    const UnwindTable table(builder.sections());
    CHECK(cfa_at(table, 0x1003) == 16);
    CHECK(cfa_at(table, 0x1004) == 0);
    CHECK(cfa_at(table, 0x10ff) == 0);
    CHECK(cfa_at(table, 0x1100) == 24);
    CHECK(table.stats().malformed == 1);
}

TEST_CASE("a CIE whose instructions are malformed has no rules to give") {
    CfiBuilder builder = CfiBuilder::eh_frame(frame_address);
    CieSpec bad;
    bad.instructions = CfiBytes{0x3f};
    builder.fde(builder.cie(bad), 0x1000, 0x100);
    builder.fde(builder.cie(), 0x1100, 0x100);
    const UnwindTable table(builder.sections());
    CHECK(cfa_at(table, 0x1000) == 0);
    CHECK(cfa_at(table, 0x1100) == 8);
}

TEST_CASE("FDEs all over the address space need no memory for what lies between") {
    CfiBuilder builder = CfiBuilder::eh_frame(frame_address);
    CieSpec spec;
    spec.fde_encoding = 0x00;
    const std::size_t cie = builder.cie(spec);
    builder.fde(cie, 0, 0x10, cfa_offset(16));
    builder.fde(cie, ~std::uint64_t{0} - 0x20, 0x20, cfa_offset(24));
    builder.fde(cie, 0x100, ~std::uint64_t{0} - 0x100, cfa_offset(32));
    const UnwindTable table(builder.sections());
    CHECK(cfa_at(table, 0) == 16);
    CHECK(cfa_at(table, 0x10) == 0);
    CHECK(cfa_at(table, 0x100) == 32);
    CHECK(cfa_at(table, std::uint64_t{1} << 63) == 32);
    CHECK(cfa_at(table, ~std::uint64_t{0} - 1) == 24);
    CHECK(cfa_at(table, ~std::uint64_t{0}) == 0);
}

TEST_CASE("more rules than can be numbered leave the rest without") {
    CfiBuilder builder = CfiBuilder::eh_frame(frame_address);
    const std::size_t cie = builder.cie();
    for (unsigned fde = 0; fde < 10; ++fde) {
        CfiBytes program;
        for (unsigned i = 0; i < 8192; ++i) {
            if (i > 0) program.u8(0x41);
            program.add(cfa_offset(1000 + fde * 8192 + i));
        }
        builder.fde(cie, 0x20000 + fde * 8192, 8192, program);
    }
    const UnwindTable table(builder.sections());
    for (unsigned at = 0; at < 10 * 8192; at += 1024) (void)table.find(Svma{0x20000 + at});
    CHECK(table.stats().rules == 65534);
    CHECK(cfa_at(table, 0x20000 + 65533) == 1000 + 65533);
    CHECK(cfa_at(table, 0x20000 + 65534) == 0);
}

TEST_CASE("the range of the FDE that covers a pc") {
    const CfiBuilder builder = three_functions();
    const CfiBytes header = builder.header(header_address, builder.table());
    const UnwindTable table(with_header(builder, header));
    const auto range = table.fde_range(Svma{0x1110});
    REQUIRE(range);
    CHECK(range->start == Svma{0x1100});
    CHECK(range->end == Svma{0x1160});
    CHECK_FALSE(table.fde_range(Svma{0x1170}));
}

TEST_CASE("a table of nothing has no rules") {
    const UnwindTable table(UnwindSections{});
    CHECK_FALSE(table.find(Svma{0x1000}));
    CHECK_FALSE(table.fde_range(Svma{0x1000}));
    CHECK(table.stats().rules == 0);
}

TEST_CASE("big-endian sections give the same rules") {
    CfiBuilder builder = CfiBuilder::eh_frame(frame_address, Endian::big);
    const std::size_t cie = builder.cie();
    CfiBytes wide(Endian::big);
    wide.u8(0x03).u16(0x10).add(cfa_offset(16));
    builder.fde(cie, 0x1000, 0x100, wide);
    const CfiBytes header = builder.header(header_address, builder.table());
    const UnwindTable table(with_header(builder, header));
    CHECK(cfa_at(table, 0x100f) == 8);
    CHECK(cfa_at(table, 0x1010) == 16);
}

TEST_CASE("threads that look up the same blocks get the same rules") {
    CfiBuilder builder = CfiBuilder::eh_frame(frame_address);
    const std::size_t cie = builder.cie();
    constexpr unsigned functions = 4000;
    for (unsigned i = 0; i < functions; ++i) {
        builder.fde(cie, 0x10000 + i * 64, 60, cfa_offset(8 + i % 500));
    }
    const CfiBytes header = builder.header(header_address, builder.table());
    const UnwindTable table(with_header(builder, header));
    std::vector<std::thread> threads;
    std::vector<unsigned> wrong(4);
    for (unsigned& count : wrong) {
        threads.emplace_back([&] {
            for (unsigned i = 0; i < functions; ++i) {
                if (cfa_at(table, 0x10000 + i * 64 + 10) != 8 + i % 500) ++count;
                if (table.find(Svma{0x10000 + i * 64 + 62})) ++count;
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    for (const unsigned count : wrong) CHECK(count == 0);
}
