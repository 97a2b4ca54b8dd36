#include <doctest/doctest.h>

#include <dwarf.h>

#include "chains.h"
#include "symbols/dwarf_lines.h"

using namespace fgread;
using namespace fgread::test;

namespace {

constexpr std::uint64_t text = 0x1000;

// Writes a line table: header with one directory and two files, then whatever the test adds.
class LineBuilder {
public:
    LineBuilder(Sink& sink, std::uint16_t version, bool wide = false)
        : sink_(sink), length_size_(wide ? 8 : 4) {
        if (wide) sink_.u32(0xffff'ffff);
        start_ = sink_.size();
        sink_.number(0, length_size_);
        sink_.u16(version);
        if (version >= 5) {
            sink_.u8(8);
            sink_.u8(0);
        }
        const std::size_t header_length = sink_.size();
        sink_.number(0, length_size_);
        sink_.u8(1);
        if (version >= 4) sink_.u8(1);
        sink_.u8(1);
        sink_.u8(0xfb);  // line base -5
        sink_.u8(14);    // line range
        sink_.u8(13);    // opcode base
        for (const int operands : {0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1}) {
            sink_.u8(static_cast<std::uint64_t>(operands));
        }
        if (version >= 5) {
            new_tables();
        } else {
            old_tables();
        }
        sink_.patch(header_length, sink_.size() - header_length - length_size_, length_size_);
    }

    void set_address(std::uint64_t address) {
        sink_.u8(0);
        sink_.uleb(9);
        sink_.u8(DW_LNE_set_address);
        sink_.u64(address);
    }
    // Advances both and adds a row.
    void row(std::uint64_t bytes, std::int64_t lines) {
        sink_.u8(DW_LNS_advance_pc);
        sink_.uleb(bytes);
        sink_.u8(DW_LNS_advance_line);
        sink_.sleb(lines);
        sink_.u8(DW_LNS_copy);
    }
    void set_file(std::uint64_t file) {
        sink_.u8(DW_LNS_set_file);
        sink_.uleb(file);
    }
    void end_sequence(std::uint64_t bytes) {
        sink_.u8(DW_LNS_advance_pc);
        sink_.uleb(bytes);
        sink_.u8(0);
        sink_.uleb(1);
        sink_.u8(DW_LNE_end_sequence);
    }
    void finish() { sink_.patch(start_, sink_.size() - start_ - length_size_, length_size_); }

private:
    void old_tables() {
        sink_.text("include");
        sink_.u8(0);
        for (const char* name : {"main.c", "header.h"}) {
            sink_.text(name);
            sink_.uleb(std::string_view(name) == "main.c" ? 0 : 1);
            sink_.uleb(0);
            sink_.uleb(0);
        }
        sink_.u8(0);
    }
    void new_tables() {
        sink_.u8(1);
        sink_.uleb(DW_LNCT_path);
        sink_.uleb(DW_FORM_string);
        sink_.uleb(2);
        sink_.text("/src");
        sink_.text("include");
        sink_.u8(2);
        sink_.uleb(DW_LNCT_path);
        sink_.uleb(DW_FORM_string);
        sink_.uleb(DW_LNCT_directory_index);
        sink_.uleb(DW_FORM_udata);
        sink_.uleb(3);
        sink_.text("main.c");
        sink_.uleb(0);
        sink_.text("main.c");
        sink_.uleb(0);
        sink_.text("header.h");
        sink_.uleb(1);
    }

    Sink& sink_;
    std::size_t length_size_;
    std::size_t start_ = 0;
};

// A function with an inlined call at line 7 of main.c.
void add_unit(DwarfBuilder& dwarf, std::uint16_t version, bool wide = false) {
    dwarf.begin_unit({.version = version, .wide = wide});
    dwarf.die(DW_TAG_compile_unit,
              {{DW_AT_comp_dir, DW_FORM_string, 0, "/src"},
               {DW_AT_stmt_list, DW_FORM_sec_offset, 0, {}},
               {DW_AT_low_pc, DW_FORM_addr, text, {}},
               {DW_AT_high_pc, DW_FORM_data8, 100, {}}},
              true);
    const auto g = dwarf.abstract("g");
    dwarf.subprogram("f", text, 100);
    dwarf.die(DW_TAG_inlined_subroutine, {{DW_AT_abstract_origin, DW_FORM_ref4, g, {}},
                                          {DW_AT_low_pc, DW_FORM_addr, text + 10, {}},
                                          {DW_AT_high_pc, DW_FORM_data8, 10, {}},
                                          {DW_AT_call_file, DW_FORM_data1, 1, {}},
                                          {DW_AT_call_line, DW_FORM_data1, 7, {}}});
    dwarf.end();
    dwarf.end();
    dwarf.end_unit();
}

void add_program(LineBuilder& line) {
    line.set_address(text);
    line.row(0, 4);  // line 5
    line.set_file(2);
    line.row(10, 20);  // line 25 of header.h
    line.set_file(1);
    line.row(10, -16);  // line 9
    line.end_sequence(80);
}

}  // namespace

TEST_CASE("lines of the address and of the calls, for every version") {
    for (const std::uint16_t version : std::initializer_list<std::uint16_t>{2, 3, 4, 5}) {
        for (const bool wide : {false, true}) {
            CAPTURE(version);
            DwarfBuilder dwarf;
            LineBuilder line(dwarf.line, version, wide);
            add_program(line);
            line.finish();
            add_unit(dwarf, version, wide);
            const DwarfIndex index = open_index(dwarf);
            CHECK(lines(index, text + 2) == "f /src/main.c:5");
            CHECK(lines(index, text + 12) == "g /src/include/header.h:25 < f /src/main.c:7");
            CHECK(lines(index, text + 20) == "f /src/main.c:9");
            CHECK(index.stats().problems.bad_lines == 0);
        }
    }
}

TEST_CASE("without asking there are no lines") {
    DwarfBuilder dwarf;
    LineBuilder line(dwarf.line, 4);
    add_program(line);
    line.finish();
    add_unit(dwarf, 4);
    const DwarfIndex index = open_index(dwarf);
    std::vector<InlineFrame> frames;
    index.chain(Svma{text + 12}, false, frames);
    REQUIRE(frames.size() == 2);
    CHECK(frames[0].file.empty());
    CHECK(frames[1].line == 0);
}

TEST_CASE("special opcodes advance address and line together") {
    DwarfBuilder dwarf;
    LineBuilder line(dwarf.line, 4);
    line.set_address(text);
    dwarf.line.u8(13 + 14 * 0 + (3 + 5));  // +0 bytes, +3 lines: line 4
    dwarf.line.u8(13 + 14 * 6 + (2 + 5));  // +6 bytes, +2 lines: line 6
    dwarf.line.u8(DW_LNS_const_add_pc);    // +17 bytes
    dwarf.line.u8(DW_LNS_fixed_advance_pc);
    dwarf.line.u16(7);
    dwarf.line.u8(DW_LNS_copy);
    dwarf.line.u8(12);  // DW_LNS_set_isa: one operand
    dwarf.line.uleb(300);
    dwarf.line.u8(13 + 14 * 2 + (-5 + 5));  // +2 bytes, -5 lines: line 1
    line.end_sequence(10);
    line.finish();
    add_unit(dwarf, 4);
    const DwarfIndex index = open_index(dwarf);
    CHECK(lines(index, text) == "f /src/main.c:4");
    CHECK(lines(index, text + 6) == "f /src/main.c:6");
    CHECK(lines(index, text + 31) == "f /src/main.c:6");
    CHECK(lines(index, text + 32) == "f /src/main.c:1");
    CHECK(lines(index, text + 42) == "f :0");
}

TEST_CASE("of several rows at one address the last counts") {
    DwarfBuilder dwarf;
    LineBuilder line(dwarf.line, 4);
    line.set_address(text);
    line.row(0, 1);
    line.row(0, 1);
    line.row(0, 1);
    line.end_sequence(10);
    line.finish();
    add_unit(dwarf, 4);
    CHECK(lines(open_index(dwarf), text) == "f /src/main.c:4");
}

TEST_CASE("sequences in any order, and one of dropped code among them") {
    DwarfBuilder dwarf;
    LineBuilder line(dwarf.line, 4);
    line.set_address(text + 50);
    line.row(0, 49);
    line.end_sequence(50);
    line.set_address(0);
    line.row(0, 665);
    line.end_sequence(text + 100);
    line.set_address(text);
    line.row(0, 9);
    line.end_sequence(50);
    line.finish();
    add_unit(dwarf, 4);
    DwarfInputs inputs;
    inputs.debug_file = dwarf.sections();
    inputs.debug_file.code = {{text, text + 100}};
    const auto index = DwarfIndex::open(std::move(inputs));
    REQUIRE(index);
    CHECK(lines(*index, text + 5) == "f /src/main.c:10");
    CHECK(lines(*index, text + 55) == "f /src/main.c:50");
}

TEST_CASE("of functions folded into one the lines of the first are used") {
    DwarfBuilder dwarf;
    LineBuilder line(dwarf.line, 4);
    for (const std::int64_t first_line : {7, 8, 9}) {
        line.set_address(text);
        line.row(0, first_line - 1);
        line.end_sequence(50);
    }
    line.finish();
    add_unit(dwarf, 4);
    CHECK(lines(open_index(dwarf), text) == "f /src/main.c:7");
}

TEST_CASE("code without a function still has a line") {
    // Assembler: a unit of one DIE, and a line table.
    DwarfBuilder dwarf;
    LineBuilder line(dwarf.line, 4);
    add_program(line);
    line.finish();
    dwarf.begin_unit();
    dwarf.die(DW_TAG_compile_unit, {{DW_AT_comp_dir, DW_FORM_string, 0, "/src"},
                                    {DW_AT_stmt_list, DW_FORM_sec_offset, 0, {}},
                                    {DW_AT_low_pc, DW_FORM_addr, text, {}},
                                    {DW_AT_high_pc, DW_FORM_data8, 100, {}}});
    dwarf.end_unit();
    const DwarfIndex index = open_index(dwarf);
    CHECK(chain(index, text + 2) == "-");
    CHECK(lines(index, text + 2) == " /src/main.c:5");
}

TEST_CASE("relative to the compilation directory once, and not at all if absolute") {
    // gcc 12 for glibc: compilation directory "./stdlib", and directory 0 of the table the same.
    // llvm-symbolizer 14 makes "./stdlib/./stdlib/abort.c" of it.
    DwarfBuilder dwarf;
    Sink& sink = dwarf.line;
    sink.u32(0);
    sink.u16(5);
    sink.u8(8);
    sink.u8(0);
    sink.u32(0);
    for (const int value : {1, 1, 1, 0xfb, 14, 1}) sink.u8(static_cast<std::uint64_t>(value));
    sink.u8(1);
    sink.uleb(DW_LNCT_path);
    sink.uleb(DW_FORM_string);
    sink.uleb(3);
    for (const char* directory : {"./stdlib", "../include", "/usr/include"}) sink.text(directory);
    sink.u8(2);
    sink.uleb(DW_LNCT_path);
    sink.uleb(DW_FORM_line_strp);
    sink.uleb(DW_LNCT_directory_index);
    sink.uleb(DW_FORM_data1);
    sink.uleb(4);
    for (const int directory : {0, 1, 2, 7}) {
        sink.u32(0);
        sink.u8(static_cast<std::uint64_t>(directory));
    }
    dwarf.line_str.text("abort.c");
    sink.patch(0, sink.size() - 4, 4);
    sink.patch(8, sink.size() - 12, 4);
    dwarf.begin_unit({.version = 5});
    dwarf.die(DW_TAG_compile_unit, {{DW_AT_comp_dir, DW_FORM_string, 0, "./stdlib"},
                                    {DW_AT_stmt_list, DW_FORM_sec_offset, 0, {}}});
    dwarf.end_unit();
    const DwarfFile file(dwarf.sections(), nullptr);
    REQUIRE(file.units().size() == 1);
    DwarfProblems problems;
    const LineTable table = LineTable::build(file.units()[0], problems);
    CHECK(problems.bad_lines == 0);
    CHECK(table.file_name(0) == "./stdlib/abort.c");
    CHECK(table.file_name(1) == "./stdlib/../include/abort.c");
    CHECK(table.file_name(2) == "/usr/include/abort.c");
    CHECK(table.file_name(3) == "./stdlib/abort.c");  // no such directory
    CHECK(table.file_name(4).empty());
}

TEST_CASE("a table whose entries have no bytes does not run for ever") {
    DwarfBuilder dwarf;
    Sink& sink = dwarf.line;
    sink.u32(0);
    sink.u16(5);
    sink.u8(8);
    sink.u8(0);
    sink.u32(0);
    for (const int value : {1, 1, 1, 0xfb, 14, 1}) sink.u8(static_cast<std::uint64_t>(value));
    sink.u8(0);  // no columns
    sink.uleb(UINT64_MAX);
    sink.patch(0, sink.size() - 4, 4);
    add_unit(dwarf, 5);
    const DwarfIndex index = open_index(dwarf);
    CHECK(lines(index, text) == "f :0");
    CHECK(index.stats().problems.bad_lines == 1);
}

TEST_CASE("a line table cut anywhere costs its lines only") {
    DwarfBuilder whole;
    LineBuilder line(whole.line, 4);
    add_program(line);
    line.finish();
    add_unit(whole, 4);
    for (std::size_t size = 0; size < whole.line.size(); ++size) {
        DwarfBuilder cut = whole;
        cut.line.resize(size);
        if (size >= 4) cut.line.patch(0, size - 4, 4);
        CAPTURE(size);
        const std::string result = lines(open_index(cut), text + 12);
        CHECK(result.starts_with("g "));
    }
}
