#include <doctest/doctest.h>

#include "support/cfi_builder.h"
#include "unwind/registers.h"
#include "unwind/sframe.h"
#include "unwind/unwind_table.h"
#include "unwind/x86_64.h"

using namespace fgread;
using fgread::test::CfiBytes;

namespace {

constexpr std::uint64_t section_address = 0x2000;
constexpr unsigned amd64 = 3, aarch64 = 2;
constexpr unsigned from_fp = 0, from_sp = 1;

// Info byte of a row: base register, number of offsets, their width (0: 1 byte, 1: 2, 2: 4).
constexpr unsigned info(unsigned base, unsigned count, unsigned width = 0) {
    return base | count << 1 | width << 5;
}

struct Spec {
    unsigned version = 2, flags = 1, abi = amd64, fixed_ra = 0xf8;
    std::int64_t start = -0x1000;  // of the only function, from the section
    unsigned size = 0x40, rows = 0, row_count = 0, function_info = 0, repeats = 0;
};

// A section with one function, whose rows are `rows`.
CfiBytes section(const Spec& spec, const CfiBytes& rows) {
    CfiBytes bytes;
    bytes.u16(0xdee2).u8(spec.version).u8(spec.flags);
    bytes.u8(spec.abi).u8(0).u8(spec.fixed_ra).u8(0);
    bytes.u32(1).u32(spec.row_count).u32(rows.size()).u32(0).u32(20);
    bytes.u32(static_cast<std::uint64_t>(spec.start) & 0xffffffff).u32(spec.size);
    bytes.u32(spec.rows).u32(spec.row_count).u8(spec.function_info).u8(spec.repeats).u16(0);
    return bytes.add(rows);
}

CfiBytes rows_of_a_frame() {
    CfiBytes rows;
    rows.u8(0).u8(info(from_sp, 1)).u8(8);
    rows.u8(1).u8(info(from_sp, 2)).u8(16).u8(0xf0);
    rows.u8(4).u8(info(from_fp, 2)).u8(16).u8(0xf0);
    rows.u8(0x30).u8(info(from_sp, 1, 1)).u16(0x108);
    return rows;
}

std::optional<SFrame> read(const CfiBytes& bytes) {
    return SFrame::read(bytes.view(), Svma{section_address}, Endian::little);
}

RegisterRule from(std::uint16_t reg, std::int64_t offset) {
    return {RuleKind::in_register, reg, offset, {}};
}
RegisterRule saved(std::int64_t offset) { return {RuleKind::at_cfa, 0, offset, {}}; }

}  // namespace

TEST_CASE("SFrame: rows of a function of x86-64") {
    Spec spec;
    spec.row_count = 4;
    const CfiBytes bytes = section(spec, rows_of_a_frame());
    const auto sframe = read(bytes);
    REQUIRE(sframe);
    CHECK(sframe->return_address() == x86_64::return_address);
    CHECK_FALSE(sframe->row_at(Svma{0xfff}));
    CHECK_FALSE(sframe->row_at(Svma{0x1040}));

    const auto first = sframe->row_at(Svma{0x1000});
    REQUIRE(first);
    CHECK(first->cfa == from(x86_64::rsp, 8));
    CHECK((*first)[x86_64::return_address] == saved(-8));
    CHECK((*first)[x86_64::rbp].kind == RuleKind::same_value);
    CHECK((*first)[x86_64::rbx].kind == RuleKind::undefined);

    const auto pushed = sframe->row_at(Svma{0x1003});
    REQUIRE(pushed);
    CHECK(pushed->cfa == from(x86_64::rsp, 16));
    CHECK((*pushed)[x86_64::rbp] == saved(-16));
    CHECK(sframe->row_at(Svma{0x1004})->cfa == from(x86_64::rbp, 16));
    CHECK(sframe->row_at(Svma{0x103f})->cfa == from(x86_64::rsp, 0x108));
}

TEST_CASE("SFrame: AArch64 says where the return address is") {
    Spec spec;
    spec.abi = aarch64;
    spec.fixed_ra = 0;
    spec.row_count = 2;
    CfiBytes rows;
    rows.u8(0).u8(info(from_sp, 1)).u8(0);
    rows.u8(8).u8(info(from_sp, 3)).u8(48).u8(0xd8).u8(0xd0);
    const CfiBytes bytes = section(spec, rows);
    const auto sframe = read(bytes);
    REQUIRE(sframe);
    CHECK(sframe->return_address() == 30);
    CHECK((*sframe->row_at(Svma{0x1000}))[30].kind == RuleKind::same_value);
    const auto row = sframe->row_at(Svma{0x1008});
    REQUIRE(row);
    CHECK(row->cfa == from(31, 48));
    CHECK((*row)[30] == saved(-40));
    CHECK((*row)[29] == saved(-48));
}

TEST_CASE("SFrame: the rows of PLT stubs hold again and again") {
    Spec spec;
    spec.row_count = 2;
    spec.function_info = 0x10;
    spec.repeats = 16;
    CfiBytes rows;
    rows.u8(0).u8(info(from_sp, 1)).u8(8);
    rows.u8(11).u8(info(from_sp, 1)).u8(16);
    const CfiBytes bytes = section(spec, rows);
    const auto sframe = read(bytes);
    REQUIRE(sframe);
    CHECK(sframe->row_at(Svma{0x1010})->cfa == from(x86_64::rsp, 8));
    CHECK(sframe->row_at(Svma{0x102b})->cfa == from(x86_64::rsp, 16));
}

TEST_CASE("SFrame: starts that count from their own field") {
    Spec spec;
    spec.flags = 1 | 4;
    spec.row_count = 4;
    const CfiBytes bytes = section(spec, rows_of_a_frame());
    const auto sframe = read(bytes);
    REQUIRE(sframe);
    CHECK_FALSE(sframe->row_at(Svma{0x101b}));
    CHECK(sframe->row_at(Svma{0x101c}));
}

TEST_CASE("SFrame: what is not understood says nothing") {
    const CfiBytes rows = rows_of_a_frame();
    Spec spec;
    spec.row_count = 4;
    for (const unsigned version : {1u, 3u}) {
        Spec other = spec;
        other.version = version;
        CHECK_FALSE(read(section(other, rows)));
    }
    Spec machine = spec;
    machine.abi = 9;
    CHECK_FALSE(read(section(machine, rows)));

    Spec empty = spec;
    empty.size = 0;
    const CfiBytes no_function = section(empty, rows);
    const auto without = read(no_function);
    REQUIRE(without);
    CHECK(without->malformed() == 1);
    CHECK_FALSE(without->row_at(Svma{0x1000}));

    // Cut anywhere: no row beyond the end, and no crash.
    const CfiBytes whole = section(spec, rows);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const auto cut =
            SFrame::read(whole.view().first(size), Svma{section_address}, Endian::little);
        if (cut) CHECK_FALSE(cut->row_at(Svma{0x103f}));
    }
}

TEST_CASE("SFrame is asked where there is no call-frame information") {
    Spec spec;
    spec.row_count = 4;
    const CfiBytes bytes = section(spec, rows_of_a_frame());
    UnwindSections sections;
    sections.sframe = bytes.view();
    sections.sframe_address = Svma{section_address};
    const UnwindTable table(sections);
    const UnwindRule* rule = table.find(Svma{0x1005});
    REQUIRE(rule);
    CHECK(rule->cfa == from(x86_64::rbp, 16));
    CHECK(table.find(Svma{0x1006}) == rule);
    CHECK(table.find(Svma{0x2000}) == nullptr);
    const auto range = table.fde_range(Svma{0x1005});
    REQUIRE(range);
    CHECK(range->start == Svma{0x1000});
    CHECK(range->end == Svma{0x1040});
}
