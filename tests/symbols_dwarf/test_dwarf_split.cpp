#include <doctest/doctest.h>

#include <dwarf.h>

#include "chains.h"

using namespace fgread;
using namespace fgread::test;

namespace {

constexpr std::uint64_t text = 0x1000;
constexpr std::uint64_t dwo_id = 0x1122'3344'5566'7788;

// DWARF 5: the binary has a skeleton unit with the addresses.
DwarfBuilder skeleton() {
    DwarfBuilder dwarf;
    dwarf.addr.u64(0);  // where a header is
    dwarf.addr.u64(text);
    dwarf.addr.u64(text + 10);
    dwarf.begin_unit({.version = 5, .type = DW_UT_skeleton, .id = dwo_id});
    dwarf.die(DW_TAG_skeleton_unit, {{DW_AT_comp_dir, DW_FORM_string, 0, "/build"},
                                     {DW_AT_dwo_name, DW_FORM_string, 0, "x.dwo"},
                                     {DW_AT_addr_base, DW_FORM_sec_offset, 8, {}},
                                     {DW_AT_low_pc, DW_FORM_addr, text, {}},
                                     {DW_AT_high_pc, DW_FORM_data8, 100, {}}});
    dwarf.end_unit();
    return dwarf;
}

// What is left beside the object file.
DwarfBuilder split(std::uint64_t id = dwo_id) {
    DwarfBuilder dwarf;
    dwarf.str.text("f");
    dwarf.str_offsets.u64(0);  // where a header is
    dwarf.str_offsets.u32(0);
    dwarf.rnglists.u64(0);  // where a header is
    dwarf.rnglists.u32(1);
    dwarf.rnglists.u32(4);  // list 0, from behind the header
    dwarf.rnglists.u8(DW_RLE_startx_length);
    dwarf.rnglists.uleb(1);
    dwarf.rnglists.uleb(5);
    dwarf.rnglists.u8(DW_RLE_offset_pair);  // relative to the skeleton's low_pc
    dwarf.rnglists.uleb(20);
    dwarf.rnglists.uleb(25);
    dwarf.rnglists.u8(DW_RLE_end_of_list);
    dwarf.begin_unit({.version = 5, .type = DW_UT_split_compile, .id = id});
    dwarf.die(DW_TAG_compile_unit, {{DW_AT_language, DW_FORM_data1, DW_LANG_C_plus_plus, {}}},
              true);
    dwarf.die(DW_TAG_namespace, {{DW_AT_name, DW_FORM_string, 0, "n"}}, true);
    const auto g = dwarf.abstract("g");
    dwarf.die(DW_TAG_subprogram,
              {{DW_AT_name, DW_FORM_strx, 0, {}},
               {DW_AT_low_pc, DW_FORM_addrx, 0, {}},
               {DW_AT_high_pc, DW_FORM_data4, 50, {}}},
              true);
    dwarf.die(DW_TAG_inlined_subroutine, {{DW_AT_abstract_origin, DW_FORM_ref4, g, {}},
                                          {DW_AT_ranges, DW_FORM_rnglistx, 0, {}}});
    dwarf.end();
    dwarf.end();
    dwarf.end();
    dwarf.end_unit();
    return dwarf;
}

DwarfIndex open_with(const DwarfBuilder& main, OpenSplitFile open_split,
                     std::optional<DwarfSections> package = std::nullopt) {
    DwarfInputs inputs;
    inputs.debug_file = main.sections();
    inputs.open_split = std::move(open_split);
    inputs.package = std::move(package);
    return std::move(*DwarfIndex::open(std::move(inputs)));
}

// A package of one unit whose sections are those of `part`, each behind `before` bytes of others.
DwarfBuilder package_of(const DwarfBuilder& part, std::uint64_t version) {
    DwarfBuilder package;
    constexpr std::size_t before = 3;
    const auto copy = [&](Sink& to, const Sink& from) {
        to.resize(before);
        for (const std::byte value : from.bytes()) to.u8(static_cast<std::uint64_t>(value));
        return from.size();
    };
    const std::uint64_t info = copy(package.info, part.info);
    const std::uint64_t abbrev = copy(package.abbrev, part.abbrev);
    const std::uint64_t offsets = copy(package.str_offsets, part.str_offsets);
    const std::uint64_t lists = copy(package.rnglists, part.rnglists);
    package.str = part.str;
    Sink& index = package.cu_index;
    for (const std::uint64_t word : {version, std::uint64_t{4}, std::uint64_t{1}, std::uint64_t{2}})
        index.u32(word);
    constexpr std::uint64_t slot = dwo_id & 1;
    for (std::uint64_t i = 0; i < 2; ++i) index.u64(i == slot ? dwo_id : 0);
    for (std::uint64_t i = 0; i < 2; ++i) index.u32(i == slot ? 1 : 0);
    for (const int column : {1, 3, 6, 8}) index.u32(static_cast<std::uint64_t>(column));
    for (int column = 0; column < 4; ++column) index.u32(before);
    for (const std::uint64_t size : {info, abbrev, offsets, lists}) index.u32(size);
    return package;
}

void check_chains(const DwarfIndex& index) {
    CHECK(chain(index, text) == "n::f");
    CHECK(chain(index, text + 10) == "n::g<n::f");
    CHECK(chain(index, text + 15) == "n::f");
    CHECK(chain(index, text + 24) == "n::g<n::f");
    CHECK(chain(index, text + 50) == "-");
    CHECK(index.stats().problems.missing_split == 0);
    CHECK(index.stats().units_walked == 1);
}

}  // namespace

TEST_CASE("the split file is opened by the recorded path, once") {
    const DwarfBuilder main = skeleton();
    const DwarfBuilder dwo = split();
    std::vector<std::string> asked;
    const DwarfIndex index = open_with(main, [&](const std::string& path) {
        asked.push_back(path);
        return std::optional(dwo.sections());
    });
    check_chains(index);
    CHECK(asked == std::vector<std::string>{"/build/x.dwo"});
}

TEST_CASE("GNU's split DWARF 4: ranges in the main file, from the skeleton's base") {
    DwarfBuilder main;
    main.addr.u64(text);
    for (const std::uint64_t word : std::initializer_list<std::uint64_t>{77, 77, 10, 15, 0, 0})
        main.ranges.u64(word);
    main.begin_unit();
    main.die(DW_TAG_compile_unit, {{DW_AT_GNU_dwo_name, DW_FORM_string, 0, "/abs/x.dwo"},
                                   {DW_AT_GNU_dwo_id, DW_FORM_data8, dwo_id, {}},
                                   {DW_AT_GNU_addr_base, DW_FORM_sec_offset, 0, {}},
                                   {DW_AT_GNU_ranges_base, DW_FORM_sec_offset, 16, {}},
                                   {DW_AT_low_pc, DW_FORM_addr, text, {}},
                                   {DW_AT_high_pc, DW_FORM_data8, 100, {}}});
    main.end_unit();
    DwarfBuilder dwo;
    dwo.str.text("f");
    dwo.str_offsets.u32(0);
    dwo.begin_unit();
    dwo.die(DW_TAG_compile_unit, {{DW_AT_GNU_dwo_id, DW_FORM_data8, dwo_id, {}}}, true);
    const auto g = dwo.abstract("g");
    dwo.die(DW_TAG_subprogram,
            {{DW_AT_name, DW_FORM_GNU_str_index, 0, {}},
             {DW_AT_low_pc, DW_FORM_GNU_addr_index, 0, {}},
             {DW_AT_high_pc, DW_FORM_data4, 50, {}}},
            true);
    dwo.die(DW_TAG_inlined_subroutine, {{DW_AT_abstract_origin, DW_FORM_ref4, g, {}},
                                        {DW_AT_ranges, DW_FORM_sec_offset, 0, {}}});
    dwo.end();
    dwo.end();
    dwo.end_unit();
    const DwarfIndex index = open_with(main, [&](const std::string& path) {
        CHECK(path == "/abs/x.dwo");
        return std::optional(dwo.sections());
    });
    CHECK(chain(index, text + 9) == "f");
    CHECK(chain(index, text + 10) == "g<f");
    CHECK(chain(index, text + 15) == "f");
}

TEST_CASE("a split file that is missing, or of another build, is counted and named") {
    const DwarfBuilder main = skeleton();
    const DwarfBuilder other = split(dwo_id + 1);
    for (const bool missing : {true, false}) {
        const DwarfIndex index = open_with(main, [&](const std::string&) {
            return missing ? std::nullopt : std::optional(other.sections());
        });
        CHECK(chain(index, text) == "-");
        CHECK(chain(index, text + 1) == "-");
        CHECK(index.stats().problems.missing_split == 1);
        CHECK(index.stats().first_missing_split == "/build/x.dwo");
    }
    CHECK(chain(open_with(main, {}), text) == "-");
}

TEST_CASE("a skeleton with functions of its own serves while the split file is missing") {
    // clang -fsplit-dwarf-inlining
    DwarfBuilder main;
    main.begin_unit({.version = 5, .type = DW_UT_skeleton, .id = dwo_id});
    main.die(DW_TAG_skeleton_unit,
             {{DW_AT_dwo_name, DW_FORM_string, 0, "x.dwo"},
              {DW_AT_low_pc, DW_FORM_addr, text, {}},
              {DW_AT_high_pc, DW_FORM_data8, 100, {}}},
             true);
    main.subprogram("in_skeleton", text, 10);
    main.end();
    main.end();
    main.end_unit();
    CHECK(chain(open_with(main, {}), text) == "in_skeleton");
}

TEST_CASE("a package serves units by id, and goes before the split files") {
    const DwarfBuilder main = skeleton();
    const DwarfBuilder package = package_of(split(), 5);
    const DwarfIndex index = open_with(
        main,
        [](const std::string&) -> std::optional<DwarfSections> {
            FAIL("the package has it");
            return std::nullopt;
        },
        package.sections());
    check_chains(index);
}

TEST_CASE("a unit that the package lacks is looked for in its split file") {
    const DwarfBuilder main = skeleton();
    DwarfBuilder package = package_of(split(), 5);
    package.cu_index.patch(16 + 8 * (dwo_id & 1), dwo_id + 2, 8);
    const DwarfBuilder dwo = split();
    check_chains(open_with(
        main, [&](const std::string&) { return std::optional(dwo.sections()); },
        package.sections()));
}

TEST_CASE("a damaged package index is no package") {
    const DwarfBuilder main = skeleton();
    const DwarfBuilder sound = package_of(split(), 5);
    for (std::size_t size = 0; size < sound.cu_index.size(); ++size) {
        DwarfBuilder cut = sound;
        cut.cu_index.resize(size);
        CHECK(chain(open_with(main, {}, cut.sections()), text) == "-");
    }
    for (std::size_t word = 0; word < sound.cu_index.size() / 4; ++word) {
        for (const std::uint32_t value : {0U, 1U, 3U, 0x8000'0000U, 0xffff'ffffU}) {
            DwarfBuilder bad = sound;
            bad.cu_index.patch(word * 4, value, 4);
            std::vector<InlineFrame> frames;
            open_with(main, {}, bad.sections()).chain(Svma{text}, false, frames);
            CHECK(frames.size() <= 1);
        }
    }
}
