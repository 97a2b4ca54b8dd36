#include <doctest/doctest.h>

#include <dwarf.h>

#include "chains.h"
#include "symbols/dwarf_names.h"

using namespace fgread;
using namespace fgread::test;

namespace {

constexpr std::uint64_t text = 0x1000;

Attr name(std::string value) { return {DW_AT_name, DW_FORM_string, 0, std::move(value)}; }
Attr linkage(std::string value) {
    return {DW_AT_linkage_name, DW_FORM_string, 0, std::move(value)};
}
Attr at(std::uint16_t attribute, std::uint64_t die) { return {attribute, DW_FORM_ref4, die, {}}; }
std::vector<Attr> code(std::vector<Attr> attributes, std::uint64_t low = text) {
    attributes.push_back({DW_AT_low_pc, DW_FORM_addr, low, {}});
    attributes.push_back({DW_AT_high_pc, DW_FORM_data8, 10, {}});
    return attributes;
}

InlineFrame only_frame(const DwarfBuilder& dwarf, std::uint64_t pc = text) {
    // The name is a view into the builder and the index: copied here to outlive the index.
    static std::string kept;
    const DwarfIndex index = open_index(dwarf);
    std::vector<InlineFrame> frames;
    index.chain(Svma{pc}, false, frames);
    REQUIRE(frames.size() == 1);
    kept = frames[0].name;
    frames[0].name = kept;
    return frames[0];
}

}  // namespace

TEST_CASE("the linkage name is found through origin and specification") {
    DwarfBuilder dwarf;
    dwarf.begin_unit();
    dwarf.compile_unit(text, 100);
    dwarf.die(DW_TAG_class_type, {name("C")}, true);
    const auto declaration = dwarf.die(DW_TAG_subprogram, {name("m"), linkage("_ZN1C1mEv")});
    dwarf.end();
    const auto abstract = dwarf.die(DW_TAG_subprogram, {at(DW_AT_specification, declaration)});
    dwarf.die(DW_TAG_subprogram, code({at(DW_AT_abstract_origin, abstract)}));
    dwarf.end();
    dwarf.end_unit();

    const InlineFrame frame = only_frame(dwarf);
    CHECK(frame.name == "_ZN1C1mEv");
    CHECK(frame.is_linkage);
    CHECK_FALSE(frame.inlined);
}

TEST_CASE("the linkage name of the definition goes before that of the declaration") {
    // gcc: a constructor's declaration has C4, its abstract body C2.
    DwarfBuilder dwarf;
    dwarf.begin_unit();
    dwarf.compile_unit(text, 100);
    const auto declaration = dwarf.die(DW_TAG_subprogram, {name("C"), linkage("_ZN1CC4Ev")});
    const auto body =
        dwarf.die(DW_TAG_subprogram, {at(DW_AT_specification, declaration), linkage("_ZN1CC2Ev")});
    dwarf.die(DW_TAG_subprogram, code({at(DW_AT_abstract_origin, body)}));
    dwarf.end();
    dwarf.end_unit();

    CHECK(only_frame(dwarf).name == "_ZN1CC2Ev");
}

TEST_CASE("DW_AT_MIPS_linkage_name of older compilers serves, too") {
    DwarfBuilder dwarf;
    dwarf.begin_unit({.version = 2});
    dwarf.die(DW_TAG_compile_unit, {name("x.cc")}, true);
    dwarf.die(DW_TAG_subprogram, {name("f"),
                                  {DW_AT_MIPS_linkage_name, DW_FORM_string, 0, "_Z1fv"},
                                  {DW_AT_low_pc, DW_FORM_addr, text, {}},
                                  {DW_AT_high_pc, DW_FORM_addr, text + 10, {}}});
    dwarf.end();
    dwarf.end_unit();

    CHECK(only_frame(dwarf).name == "_Z1fv");
}

TEST_CASE("without a linkage name the enclosing scopes qualify the name") {
    DwarfBuilder dwarf;
    dwarf.begin_unit();
    dwarf.compile_unit(text, 1000);
    dwarf.die(DW_TAG_namespace, {name("outer")}, true);
    dwarf.die(DW_TAG_namespace, {}, true);
    dwarf.die(DW_TAG_class_type, {name("Class<int>")}, true);
    const auto method = dwarf.die(DW_TAG_subprogram, {name("method")});
    dwarf.end();
    dwarf.die(DW_TAG_subprogram, code({name("free")}, text + 10));
    dwarf.end();
    dwarf.end();
    // The definition stands outside of the class, but the declaration inside.
    dwarf.die(DW_TAG_subprogram, code({at(DW_AT_specification, method)}));
    dwarf.die(DW_TAG_subprogram, code({name("global")}, text + 20));
    dwarf.end();
    dwarf.end_unit();

    const InlineFrame frame = only_frame(dwarf);
    CHECK(frame.name == "outer::(anonymous namespace)::Class<int>::method");
    CHECK_FALSE(frame.is_linkage);
    CHECK(only_frame(dwarf, text + 10).name == "outer::(anonymous namespace)::free");
    CHECK(only_frame(dwarf, text + 20).name == "global");
}

TEST_CASE("a class in a function is qualified by the function") {
    DwarfBuilder dwarf;
    dwarf.begin_unit();
    dwarf.compile_unit(text, 100);
    dwarf.die(DW_TAG_subprogram, {name("maker")}, true);
    dwarf.die(DW_TAG_lexical_block, {}, true);
    dwarf.die(DW_TAG_structure_type, {name("Local")}, true);
    dwarf.die(DW_TAG_subprogram, code({name("run")}));
    dwarf.end();
    dwarf.end();
    dwarf.end();
    dwarf.end();
    dwarf.end_unit();

    CHECK(only_frame(dwarf).name == "maker::Local::run");
}

TEST_CASE("methods in Rust's impl blocks and in enumerations are qualified as rustc writes them") {
    DwarfBuilder dwarf;
    dwarf.begin_unit();
    dwarf.compile_unit(text, 100, DW_LANG_Rust);
    dwarf.die(DW_TAG_namespace, {name("krate")}, true);
    dwarf.die(DW_TAG_namespace, {name("{impl#0}")}, true);
    dwarf.die(DW_TAG_subprogram, code({name("fmt<u8>")}));
    dwarf.end();
    dwarf.die(DW_TAG_enumeration_type, {name("Color")}, true);
    dwarf.die(DW_TAG_enumerator, {name("Red")});
    dwarf.die(DW_TAG_subprogram, code({name("next")}, text + 20));
    dwarf.end();
    dwarf.end();
    dwarf.end();
    dwarf.end_unit();

    CHECK(only_frame(dwarf).name == "krate::{impl#0}::fmt<u8>");
    CHECK(only_frame(dwarf, text + 20).name == "krate::Color::next");
}

TEST_CASE("names of C are complete as they are") {
    DwarfBuilder dwarf;
    dwarf.begin_unit();
    dwarf.compile_unit(text, 100, DW_LANG_C99);
    dwarf.subprogram("outer", text + 50, 10);
    dwarf.die(DW_TAG_subprogram, code({name("nested")}));
    dwarf.end();
    dwarf.end();
    dwarf.end_unit();

    CHECK(only_frame(dwarf).name == "nested");
}

TEST_CASE("a function without any name has an empty one") {
    DwarfBuilder dwarf;
    dwarf.begin_unit();
    dwarf.compile_unit(text, 100);
    dwarf.die(DW_TAG_subprogram, code({}));
    dwarf.end();
    dwarf.end_unit();

    CHECK(only_frame(dwarf).name.empty());
}

TEST_CASE("an origin in another unit is followed") {
    DwarfBuilder dwarf;
    const std::size_t first = dwarf.begin_unit();
    dwarf.die(DW_TAG_partial_unit, {}, true);
    dwarf.die(DW_TAG_namespace, {name("shared")}, true);
    const auto origin = dwarf.die(DW_TAG_subprogram, {name("f")});
    dwarf.end();
    dwarf.end();
    dwarf.end_unit();
    dwarf.begin_unit();
    dwarf.compile_unit(text, 100);
    dwarf.die(DW_TAG_imported_unit, {{DW_AT_import, DW_FORM_ref_addr, first, {}}});
    dwarf.die(DW_TAG_subprogram,
              code({{DW_AT_abstract_origin, DW_FORM_ref_addr, first + origin, {}}}));
    dwarf.end();
    dwarf.end_unit();

    // The partial unit has no language of its own.
    CHECK(only_frame(dwarf).name == "shared::f");
}

TEST_CASE("an origin in the supplementary file of dwz is followed") {
    DwarfBuilder shared;
    shared.str.text("padding");
    const std::size_t string_at = shared.str.size();
    shared.str.text("_Z6sharedv");
    shared.begin_unit();
    shared.die(DW_TAG_partial_unit, {}, true);
    const auto origin = shared.die(
        DW_TAG_subprogram, {name("shared"), {DW_AT_linkage_name, DW_FORM_strp, string_at, {}}});
    shared.end();
    shared.end_unit();

    for (const std::uint16_t form : {DW_FORM_GNU_ref_alt, DW_FORM_ref_sup4}) {
        DwarfBuilder dwarf;
        dwarf.begin_unit();
        dwarf.compile_unit(text, 100);
        dwarf.die(DW_TAG_subprogram, code({{DW_AT_abstract_origin, form, origin, {}}}));
        dwarf.die(DW_TAG_subprogram,
                  code({{DW_AT_linkage_name, DW_FORM_GNU_strp_alt, string_at, {}}}, text + 20));
        dwarf.end();
        dwarf.end_unit();
        DwarfInputs inputs;
        inputs.debug_file = dwarf.sections();
        inputs.supplementary = shared.sections();
        const auto index = DwarfIndex::open(std::move(inputs));
        REQUIRE(index);
        CHECK(chain(*index, text) == "_Z6sharedv");
        CHECK(chain(*index, text + 20) == "_Z6sharedv");
        // Without it the name is unknown, but the function is there.
        CHECK(only_frame(dwarf).name.empty());
    }
}

TEST_CASE("a method declared in a type unit is found by signature") {
    constexpr std::uint64_t signature = 0x1234'5678'9abc'def0;
    for (const bool old : {true, false}) {
        CAPTURE(old);
        DwarfBuilder dwarf;
        const std::uint32_t header = old ? 23 : 24;
        UnitOptions options;
        options.version = old ? 4 : 5;
        options.types_section = old;
        options.type = old ? DW_UT_compile : DW_UT_type;
        options.id = signature;
        options.type_die = header + 1;
        dwarf.begin_unit(options);
        dwarf.die(DW_TAG_type_unit, {}, true);
        const auto type = dwarf.die(DW_TAG_subprogram, {name("f"), linkage("_ZN1C1fEv")});
        REQUIRE(type == options.type_die);
        dwarf.end();
        dwarf.end_unit();
        dwarf.begin_unit({.version = options.version});
        dwarf.compile_unit(text, 100);
        dwarf.die(DW_TAG_subprogram,
                  code({{DW_AT_specification, DW_FORM_ref_sig8, signature, {}}}));
        dwarf.end();
        dwarf.end_unit();
        CHECK(only_frame(dwarf).name == "_ZN1C1fEv");
    }
}

TEST_CASE("origins that form a circle end without a name") {
    DwarfBuilder dwarf;
    dwarf.begin_unit();
    dwarf.compile_unit(text, 100);
    const std::uint32_t self = dwarf.next();
    dwarf.die(DW_TAG_subprogram, code({at(DW_AT_abstract_origin, self)}));
    dwarf.end();
    dwarf.end_unit();

    CHECK(only_frame(dwarf).name.empty());
}

TEST_CASE("scopes nested without end make a bounded name") {
    DwarfBuilder dwarf;
    dwarf.begin_unit();
    dwarf.compile_unit(text, 100);
    constexpr int depth = 100'000;
    for (int i = 0; i < depth; ++i) dwarf.die(DW_TAG_namespace, {name("n")}, true);
    dwarf.die(DW_TAG_subprogram, code({name("f")}));
    for (int i = 0; i <= depth; ++i) dwarf.end();
    dwarf.end_unit();

    const std::string_view full = only_frame(dwarf).name;
    CHECK(full.size() == max_name_scopes * 3 + 1);
    CHECK(full.ends_with("n::f"));
}

TEST_CASE("a name as long as the file is not multiplied by its scopes") {
    DwarfBuilder dwarf;
    dwarf.begin_unit();
    dwarf.compile_unit(text, 100);
    dwarf.die(DW_TAG_namespace, {name(std::string(max_qualified_name, 'n'))}, true);
    dwarf.die(DW_TAG_subprogram, code({name("f")}));
    dwarf.end();
    dwarf.end();
    dwarf.end_unit();

    CHECK(only_frame(dwarf).name == "f");
}
