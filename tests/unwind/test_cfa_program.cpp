#include <doctest/doctest.h>

#include <vector>

#include "support/cfi_builder.h"
#include "unwind/cfa_program.h"

using namespace fgread;
using fgread::test::CfiBytes;

namespace {

// A CIE, an FDE over [0x1000, 0x1100) and the rows they make.
class Program {
public:
    struct Row {
        std::uint64_t start, end;
        CfaRow rules;
    };

    explicit Program(const CfiBytes& instructions, const CfiBytes& initial = gcc_initial())
        : instructions_(instructions), initial_(initial) {
        cie_.data_alignment = -8;
        cie_.return_address = 16;
        cie_.fde_encoding = 0x04;
    }

    Program& code_alignment(std::uint64_t value) {
        cie_.code_alignment = value;
        return *this;
    }
    Program& data_alignment(std::int64_t value) {
        cie_.data_alignment = value;
        return *this;
    }
    Program& big_endian() {
        section_.endian = Endian::big;
        return *this;
    }

    const std::vector<Row>& run() {
        section_.bytes = instructions_.view();
        cie_.instructions = initial_.view();
        const auto initial = run_initial_instructions(section_, cie_);
        if (!initial) {
            malformed = true;
            return rows;
        }
        const Fde fde{0, 0, 0x1000, 0x1100, section_.bytes};
        CfaProgram program(section_, cie_, fde, *initial);
        for (;;) {
            const CfaProgram::Status status = program.next_row();
            malformed = status == CfaProgram::Status::malformed;
            if (status != CfaProgram::Status::row) return rows;
            rows.push_back({program.row_start(), program.row_end(), program.row()});
        }
    }

    static CfiBytes gcc_initial() { return {0x0c, 7, 8, 0x90, 1}; }

    std::vector<Row> rows;
    bool malformed = false;

private:
    CfiBytes instructions_, initial_;
    CfiSection section_;
    Cie cie_;
};

RegisterRule rule(RuleKind kind, std::int64_t offset = 0, unsigned source = 0) {
    RegisterRule result;
    result.kind = kind;
    result.offset = offset;
    result.source = static_cast<std::uint16_t>(source);
    return result;
}

// The only row of a program without advances.
CfaRow only_row(Program program) {
    program.run();
    REQUIRE_FALSE(program.malformed);
    REQUIRE(program.rows.size() == 1);
    return program.rows[0].rules;
}

bool is_malformed(Program program) {
    program.run();
    return program.malformed;
}

}  // namespace

TEST_CASE("a program without instructions has the rules of its CIE") {
    const CfaRow row = only_row(Program(CfiBytes{}));
    CHECK(row.cfa == rule(RuleKind::in_register, 8, 7));
    CHECK(row[16] == rule(RuleKind::at_cfa, -8));
    CHECK(row.specified() == 1u << 16);
}

TEST_CASE("every way of advancing starts a row") {
    Program program(CfiBytes{0x44}  // advance_loc 4
                        .u8(0x02)
                        .u8(0x10)  // advance_loc1
                        .u8(0x03)
                        .u16(0x20)  // advance_loc2
                        .u8(0x04)
                        .u32(0x30)  // advance_loc4
                        .u8(0x1d)
                        .u64(0x08)  // MIPS_advance_loc8
                        .u8(0x01)
                        .u64(0x1080));  // set_loc
    program.run();
    REQUIRE(program.rows.size() == 7);
    const std::uint64_t starts[] = {0x1000, 0x1004, 0x1014, 0x1034, 0x1064, 0x106c, 0x1080};
    for (std::size_t i = 0; i < 7; ++i) CHECK(program.rows[i].start == starts[i]);
    CHECK(program.rows[6].end == 0x1100);
}

TEST_CASE("advances are multiplied by the code alignment") {
    Program program(CfiBytes{0x44});
    program.code_alignment(4).run();
    REQUIRE(program.rows.size() == 2);
    CHECK(program.rows[1].start == 0x1010);
}

TEST_CASE("an advance by nothing starts no row") {
    Program program(CfiBytes{0x40, 0x0e, 16, 0x02, 0, 0x0e, 24});
    program.run();
    REQUIRE(program.rows.size() == 1);
    CHECK(program.rows[0].rules.cfa.offset == 24);
}

TEST_CASE("an advance beyond the FDE ends it there") {
    Program program(CfiBytes{0x04}.u32(0xffffffff).u8(0x0e).u8(16));
    program.run();
    REQUIRE(program.rows.size() == 1);
    CHECK(program.rows[0].end == 0x1100);
    CHECK_FALSE(program.malformed);
}

TEST_CASE("locations that move back or wrap around are malformed") {
    CHECK(is_malformed(Program(CfiBytes{0x01}.u64(0xfff))));
    CHECK(is_malformed(Program(CfiBytes{0x1d}.u64(~std::uint64_t{0}))));
    CHECK(is_malformed(Program(CfiBytes{0x42}).code_alignment(~std::uint64_t{0})));
}

TEST_CASE("the CFA's instructions") {
    CHECK(only_row(Program(CfiBytes{0x0c, 6, 16})).cfa == rule(RuleKind::in_register, 16, 6));
    CHECK(only_row(Program(CfiBytes{0x0d, 6})).cfa == rule(RuleKind::in_register, 8, 6));
    CHECK(only_row(Program(CfiBytes{0x0e, 0x20})).cfa == rule(RuleKind::in_register, 32, 7));
    CHECK(only_row(Program(CfiBytes{0x12, 6}.sleb(-2))).cfa == rule(RuleKind::in_register, 16, 6));
    CHECK(only_row(Program(CfiBytes{0x13}.sleb(-3))).cfa == rule(RuleKind::in_register, 24, 7));
    const CfaRow row = only_row(Program(CfiBytes{0x0f}.block({0x77, 0x08, 0x06})));
    CHECK(row.cfa.kind == RuleKind::is_expression);
    CHECK(row.cfa.expression.size() == 3);
}

TEST_CASE("half of a CFA rule cannot be changed if it is an expression") {
    const CfiBytes expression = CfiBytes{0x0f}.block({0x77, 0x08});
    CHECK(is_malformed(Program(CfiBytes(expression).add({0x0d, 6}))));
    CHECK(is_malformed(Program(CfiBytes(expression).add({0x0e, 8}))));
    CHECK(is_malformed(Program(CfiBytes(expression).u8(0x13).sleb(-1))));
    CHECK_FALSE(is_malformed(Program(CfiBytes(expression).add({0x0c, 7, 8}))));
}

TEST_CASE("a CFA register without an offset before it, as in the CIEs of RISC-V: the offset is 0") {
    Program program(CfiBytes{0x44, 0x0e, 16}, CfiBytes{0x0d, 2});
    program.run();
    REQUIRE(program.rows.size() == 2);
    CHECK(program.rows[0].rules.cfa.source == 2);
    CHECK(program.rows[0].rules.cfa.offset == 0);
    CHECK(program.rows[1].rules.cfa.offset == 16);
    CHECK(is_malformed(Program(CfiBytes{}, CfiBytes{0x0e, 16})));
}

TEST_CASE("what aarch64 says of signatures has no operand and no effect") {
    Program program(CfiBytes{0x2d, 0x44, 0x2c, 0x0e, 16});
    program.run();
    REQUIRE(program.rows.size() == 2);
    CHECK_FALSE(program.malformed);
    CHECK(program.rows[1].rules.cfa.offset == 16);
}

TEST_CASE("every rule of a register") {
    CHECK(only_row(Program(CfiBytes{0x83, 2}))[3] == rule(RuleKind::at_cfa, -16));
    CHECK(only_row(Program(CfiBytes{0x05, 3, 2}))[3] == rule(RuleKind::at_cfa, -16));
    CHECK(only_row(Program(CfiBytes{0x11, 3}.sleb(-2)))[3] == rule(RuleKind::at_cfa, 16));
    CHECK(only_row(Program(CfiBytes{0x2f, 3, 2}))[3] == rule(RuleKind::at_cfa, 16));
    CHECK(only_row(Program(CfiBytes{0x14, 3, 2}))[3] == rule(RuleKind::cfa_offset, -16));
    CHECK(only_row(Program(CfiBytes{0x15, 3}.sleb(-2)))[3] == rule(RuleKind::cfa_offset, 16));
    CHECK(only_row(Program(CfiBytes{0x07, 3}))[3] == rule(RuleKind::undefined));
    CHECK(only_row(Program(CfiBytes{0x08, 3}))[3] == rule(RuleKind::same_value));
    CHECK(only_row(Program(CfiBytes{0x09, 16, 5}))[16] == rule(RuleKind::in_register, 0, 5));

    const CfaRow at = only_row(Program(CfiBytes{0x10, 3}.block({0x23, 0x28})));
    CHECK(at[3].kind == RuleKind::at_expression);
    CHECK(at[3].expression.size() == 2);
    const CfaRow is = only_row(Program(CfiBytes{0x16, 3}.block({0x23, 0x28})));
    CHECK(is[3].kind == RuleKind::is_expression);
}

TEST_CASE("the data alignment has a sign") {
    CHECK(only_row(Program(CfiBytes{0x83, 2}).data_alignment(4))[3] == rule(RuleKind::at_cfa, 8));
    CHECK(only_row(Program(CfiBytes{0x83, 2}).data_alignment(0))[3] == rule(RuleKind::at_cfa, 0));
}

TEST_CASE("restore brings back the CIE's rule, or its silence") {
    CfiBytes initial = Program::gcc_initial();
    initial.add({0x86, 2});
    const CfiBytes change{0x08, 6, 0x83, 3};
    const CfaRow row = only_row(Program(CfiBytes(change).add({0xc6, 0xc3}), initial));
    CHECK(row[6] == rule(RuleKind::at_cfa, -16));
    CHECK_FALSE(row.has(3));
    const CfaRow extended = only_row(Program(CfiBytes(change).add({0x06, 6, 0x06, 3}), initial));
    CHECK(extended[6] == rule(RuleKind::at_cfa, -16));
    CHECK_FALSE(extended.has(3));
}

TEST_CASE("restore has no meaning inside a CIE") {
    CHECK(is_malformed(Program(CfiBytes{}, CfiBytes{0x0c, 7, 8, 0xc3})));
}

TEST_CASE("remember and restore state: registers and CFA return, the location does not") {
    Program program(CfiBytes{0x0e, 16, 0x86, 2, 0x0a, 0x41, 0xc6, 0x0e, 8, 0x41, 0x0b});
    program.run();
    REQUIRE(program.rows.size() == 3);
    CHECK(program.rows[1].rules.cfa.offset == 8);
    CHECK_FALSE(program.rows[1].rules.has(6));
    CHECK(program.rows[2].start == 0x1002);
    CHECK(program.rows[2].rules.cfa.offset == 16);
    CHECK(program.rows[2].rules[6] == rule(RuleKind::at_cfa, -16));
}

TEST_CASE("states nest, within a limit") {
    CfiBytes nested;
    for (unsigned i = 1; i <= max_remembered_states; ++i) nested.add({0x0a, 0x0e, 8 * i});
    for (unsigned i = 1; i <= max_remembered_states; ++i) nested.u8(0x0b);
    CHECK(only_row(Program(nested)).cfa.offset == 8);
    CfiBytes deeper;
    for (unsigned i = 0; i <= max_remembered_states; ++i) deeper.u8(0x0a);
    CHECK(is_malformed(Program(deeper)));
    CHECK(is_malformed(Program(CfiBytes{0x0b})));
}

TEST_CASE("the size of outgoing arguments is stepped over") {
    CHECK(only_row(Program(CfiBytes{0x2e}.uleb(4000).u8(0x0e).u8(16))).cfa.offset == 16);
}

TEST_CASE("registers that are not tracked are decoded and dropped") {
    CfiBytes bytes;
    for (const std::uint64_t reg : {34u, 1000u, 0x8000000u}) {
        bytes.u8(0x05).uleb(reg).uleb(1).u8(0x06).uleb(reg).u8(0x07).uleb(reg);
        bytes.u8(0x10).uleb(reg).block({0x96}).u8(0x09).uleb(reg).uleb(3);
    }
    bytes.add({0xb5, 1, 0xf5, 0x0e, 16});  // offset and restore of register 53
    const CfaRow row = only_row(Program(bytes));
    CHECK(row.specified() == 1u << 16);
    CHECK(row.cfa.offset == 16);
}

TEST_CASE("a CFA in a register that is not tracked stays a rule, but one that is never known") {
    const CfaRow row = only_row(Program(CfiBytes{0x0c}.uleb(0x8000007).uleb(8).u8(0x0e).u8(16)));
    CHECK(row.cfa == rule(RuleKind::in_register, 16, 0xffff));
}

TEST_CASE("unknown instructions and cut operands end the program, not the rows before") {
    for (const CfiBytes& bad : {CfiBytes{0x3f}, CfiBytes{0x17}, CfiBytes{0x0c, 7}, CfiBytes{0x0e},
                                CfiBytes{0x83}, CfiBytes{0x0f, 4, 0x77}, CfiBytes{0x04, 1, 2, 3}}) {
        Program program(CfiBytes{0x44}.add(bad));
        program.run();
        CHECK(program.malformed);
        REQUIRE(program.rows.size() == 1);
        CHECK(program.rows[0].end == 0x1004);
    }
}

TEST_CASE("a program that never advances stops after its budget") {
    CfiBytes endless;
    for (std::uint32_t i = 0; i <= max_cfa_instructions; ++i) endless.u8(0);
    CHECK(is_malformed(Program(endless)));
}

TEST_CASE("operands have the byte order of the module") {
    Program program(CfiBytes{0x03, 0x00, 0x20});
    program.big_endian().run();
    REQUIRE(program.rows.size() == 2);
    CHECK(program.rows[1].start == 0x1020);
}
