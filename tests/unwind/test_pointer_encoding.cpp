#include <doctest/doctest.h>

#include "support/cfi_builder.h"
#include "unwind/dwarf_constants.h"
#include "unwind/pointer_encoding.h"

using namespace fgread;
using namespace fgread::dwarf;
using fgread::test::CfiBytes;

namespace {

constexpr PointerBases bases{0x1000, 0x20000, 0x30000, 8};

std::optional<std::uint64_t> read(const CfiBytes& bytes, unsigned encoding,
                                  const PointerBases& with = bases) {
    ByteReader reader(bytes.view(), bytes.endian());
    return read_encoded(reader, static_cast<std::uint8_t>(encoding), with);
}

}  // namespace

TEST_CASE("every pointer format is read with its size and sign") {
    CHECK(read(CfiBytes().u64(0x123456789abcdef0), pe_absptr) == 0x123456789abcdef0);
    CHECK(read(CfiBytes().uleb(300), pe_uleb128) == 300);
    CHECK(read(CfiBytes().u16(0xfffe), pe_udata2) == 0xfffe);
    CHECK(read(CfiBytes().u32(0xfffffffe), pe_udata4) == 0xfffffffe);
    CHECK(read(CfiBytes().u64(7), pe_udata8) == 7);
    CHECK(read(CfiBytes().sleb(-300), pe_sleb128) == std::uint64_t(-300));
    CHECK(read(CfiBytes().u16(0xfffe), pe_sdata2) == std::uint64_t(-2));
    CHECK(read(CfiBytes().u32(0xfffffffe), pe_sdata4) == std::uint64_t(-2));
    CHECK(read(CfiBytes().u64(7), pe_sdata8) == 7);
}

TEST_CASE("every base is added modulo 2^64") {
    CHECK(read(CfiBytes().u32(0xfffffff0), pe_pcrel | pe_sdata4) == 0xff0);
    CHECK(read(CfiBytes().u32(4), pe_textrel | pe_udata4) == 0x20004);
    CHECK(read(CfiBytes().u32(4), pe_datarel | pe_udata4) == 0x30004);
}

TEST_CASE("a pc-relative pointer counts from its own field") {
    const CfiBytes bytes = CfiBytes().u32(0).u32(0x10);
    ByteReader reader(bytes.view());
    reader.skip(4);
    CHECK(read_encoded(reader, pe_pcrel | pe_sdata4, bases) == 0x1014);
}

TEST_CASE("an aligned pointer starts at a multiple of its size") {
    const CfiBytes bytes = CfiBytes({1, 2, 3}).u32(0).u8(0).u64(0x77);
    ByteReader reader(bytes.view());
    reader.skip(3);
    CHECK(read_encoded(reader, pe_aligned, bases) == 0x77);
}

TEST_CASE("pointers of a 32-bit module have 32 bits") {
    constexpr PointerBases narrow{0x1000, 0, 0, 4};
    CHECK(read(CfiBytes().u32(0xfffffff0), pe_absptr, narrow) == 0xfffffff0);
    CHECK(read(CfiBytes().u32(0xffffe000), pe_pcrel | pe_sdata4, narrow) == 0xfffff000);
}

TEST_CASE("pointers that need memory, have no meaning or do not exist are refused") {
    const CfiBytes bytes = CfiBytes().u64(0);
    CHECK_FALSE(read(bytes, pe_indirect | pe_pcrel | pe_sdata4));
    CHECK_FALSE(read(bytes, pe_funcrel | pe_udata4));
    CHECK_FALSE(read(bytes, pe_omit));
    CHECK_FALSE(read(bytes, 0x05));
    CHECK_FALSE(read(CfiBytes().u16(0), pe_udata4));
    CHECK_FALSE(read(CfiBytes().u16(0), pe_aligned));
}

TEST_CASE("a pointer that is skipped may be indirect or omitted") {
    const CfiBytes bytes = CfiBytes().u32(0).u32(0);
    ByteReader reader(bytes.view());
    CHECK(skip_encoded(reader, pe_omit, bases));
    CHECK(reader.position() == 0);
    CHECK(skip_encoded(reader, pe_indirect | pe_pcrel | pe_sdata4, bases));
    CHECK(reader.position() == 4);
    CHECK_FALSE(skip_encoded(reader, 0x0f, bases));
    CHECK_FALSE(skip_encoded(reader, pe_udata8, bases));
}
