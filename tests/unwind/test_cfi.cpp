#include <doctest/doctest.h>

#include "support/cfi_builder.h"
#include "unwind/cfi.h"

using namespace fgread;
using fgread::test::CfiBuilder;
using fgread::test::CfiBytes;
using fgread::test::CieSpec;

namespace {

constexpr std::uint64_t section_address = 0x5000;

CfiSection view_of(CfiBuilder& builder, bool is_debug_frame = false) {
    CfiSection section;
    section.bytes = builder.bytes().view();
    section.bases.section = is_debug_frame ? 0 : section_address;
    section.endian = builder.bytes().endian();
    section.is_debug_frame = is_debug_frame;
    return section;
}

std::optional<Fde> fde_at(const CfiSection& section, std::uint64_t offset) {
    const auto entry = read_entry(section, offset);
    if (!entry) return std::nullopt;
    const auto cie = read_cie(section, entry->cie_offset);
    return cie ? read_fde(section, *entry, *cie) : std::nullopt;
}

std::optional<Cie> cie_of(const CieSpec& spec) {
    CfiBuilder builder = CfiBuilder::eh_frame(section_address);
    const std::size_t offset = builder.cie(spec);
    auto cie = read_cie(view_of(builder), offset);
    if (cie) cie->instructions = {};  // its bytes die with the builder
    return cie;
}

}  // namespace

TEST_CASE("a CIE as gcc writes it") {
    CfiBuilder builder = CfiBuilder::eh_frame(section_address);
    const std::size_t offset = builder.cie();
    const auto cie = read_cie(view_of(builder), offset);
    REQUIRE(cie);
    CHECK(cie->version == 1);
    CHECK(cie->code_alignment == 1);
    CHECK(cie->data_alignment == -8);
    CHECK(cie->return_address == 16);
    CHECK(cie->fde_encoding == 0x1b);
    CHECK(cie->instructions.size() == 5);
    CHECK_FALSE(cie->signal_frame);
}

TEST_CASE("personality, LSDA, signal and aarch64 letters are understood") {
    CieSpec spec;
    spec.augmentation = "zPLRS";
    spec.augmentation_data = CfiBytes().u8(0x9b).u32(0x1234).u8(0x1b).u8(0x1b);
    const auto cie = cie_of(spec);
    REQUIRE(cie);
    CHECK(cie->signal_frame);
    CHECK(cie->fde_encoding == 0x1b);
    CHECK(cie->lsda_encoding == 0x1b);

    spec.augmentation = "zRBG";
    spec.augmentation_data = CfiBytes().u8(0x1b);
    CHECK(cie_of(spec));
}

TEST_CASE("an unknown augmentation letter is harmless only if the data's size is known") {
    CieSpec spec;
    spec.augmentation = "zR?";
    CHECK(cie_of(spec));
    spec.augmentation = "R?";
    CHECK_FALSE(cie_of(spec));
}

TEST_CASE("gcc 2's \"eh\" augmentation adds a pointer") {
    CieSpec spec;
    spec.augmentation = "eh";
    const auto cie = cie_of(spec);
    REQUIRE(cie);
    CHECK(cie->data_alignment == -8);
    CHECK(cie->return_address == 16);
}

TEST_CASE("versions 1, 3 and 4 are read, others are not") {
    for (const unsigned version : {1u, 3u, 4u}) {
        CieSpec spec;
        spec.version = version;
        CHECK(cie_of(spec));
    }
    for (const unsigned version : {0u, 2u, 5u, 255u}) {
        CieSpec spec;
        spec.version = version;
        CHECK_FALSE(cie_of(spec));
    }
}

TEST_CASE("a return-address column that is not tracked makes the CIE unusable") {
    CieSpec spec;
    spec.version = 3;
    spec.return_address = 0x10000010;
    CHECK_FALSE(cie_of(spec));
}

TEST_CASE("address sizes other than 4 and 8 are refused") {
    CieSpec spec;
    spec.version = 4;
    spec.address_size = 2;
    CHECK_FALSE(cie_of(spec));
}

TEST_CASE("an FDE's address is relative to its field, its size to nothing") {
    CfiBuilder builder = CfiBuilder::eh_frame(section_address);
    const std::size_t cie = builder.cie();
    const std::size_t offset = builder.fde(cie, 0x1000, 0x40, {0x0e, 16});
    const auto fde = fde_at(view_of(builder), offset);
    REQUIRE(fde);
    CHECK(fde->start == 0x1000);
    CHECK(fde->end == 0x1040);
    CHECK(fde->instructions.size() == 2);
}

TEST_CASE("every encoding of an FDE's address gives the same FDE") {
    for (const unsigned encoding :
         {0x00u, 0x02u, 0x03u, 0x04u, 0x0au, 0x0bu, 0x0cu, 0x01u, 0x09u, 0x1au, 0x1bu, 0x1cu}) {
        CAPTURE(encoding);
        CfiBuilder builder = CfiBuilder::eh_frame(section_address);
        CieSpec spec;
        spec.fde_encoding = encoding;
        const std::size_t offset = builder.fde(builder.cie(spec), 0x1000, 0x40);
        const auto fde = fde_at(view_of(builder), offset);
        REQUIRE(fde);
        CHECK(fde->start == 0x1000);
        CHECK(fde->end == 0x1040);
    }
}

TEST_CASE("64-bit entries: .eh_frame keeps a 4-byte id, .debug_frame does not") {
    CieSpec spec;
    spec.wide = true;
    CfiBuilder eh_frame = CfiBuilder::eh_frame(section_address);
    const std::size_t in_eh = eh_frame.fde(eh_frame.cie(spec), 0x1000, 0x40);
    const auto of_eh = fde_at(view_of(eh_frame), in_eh);
    REQUIRE(of_eh);
    CHECK(of_eh->start == 0x1000);

    spec.version = 4;
    spec.augmentation = "";
    CfiBuilder debug_frame = CfiBuilder::debug_frame();
    const std::size_t in_debug = debug_frame.fde(debug_frame.cie(spec), 0x1000, 0x40);
    const auto of_debug = fde_at(view_of(debug_frame, true), in_debug);
    REQUIRE(of_debug);
    CHECK(of_debug->start == 0x1000);
}

TEST_CASE("segment selectors of version 4 are stepped over") {
    CieSpec spec;
    spec.version = 4;
    spec.augmentation = "";
    spec.segment_size = 2;
    CfiBuilder builder = CfiBuilder::debug_frame();
    const std::size_t offset = builder.fde(builder.cie(spec), 0x1000, 0x40);
    const auto fde = fde_at(view_of(builder, true), offset);
    REQUIRE(fde);
    CHECK(fde->start == 0x1000);
}

TEST_CASE("big-endian sections") {
    CfiBuilder builder = CfiBuilder::eh_frame(section_address, Endian::big);
    const std::size_t offset = builder.fde(builder.cie(), 0x1000, 0x40);
    const auto fde = fde_at(view_of(builder), offset);
    REQUIRE(fde);
    CHECK(fde->start == 0x1000);
    CHECK(fde->end == 0x1040);
}

TEST_CASE("empty FDEs and FDEs that wrap around are no FDEs") {
    CieSpec spec;
    spec.fde_encoding = 0x00;
    CfiBuilder builder = CfiBuilder::eh_frame(section_address);
    const std::size_t cie = builder.cie(spec);
    const std::size_t empty = builder.fde(cie, 0x1000, 0);
    const std::size_t wrapping = builder.fde(cie, ~std::uint64_t{0} - 4, 0x40);
    CHECK_FALSE(fde_at(view_of(builder), empty));
    CHECK_FALSE(fde_at(view_of(builder), wrapping));
}

TEST_CASE("a length beyond the section is the end of what can be read") {
    CfiBuilder builder = CfiBuilder::eh_frame(section_address);
    builder.cie();
    builder.bytes().patch(0, 0x7fffffff, 4);
    CHECK_FALSE(read_entry(view_of(builder), 0));
    builder.bytes().patch(0, 0xffffffff, 4);  // and as a 64-bit length
    CHECK_FALSE(read_entry(view_of(builder), 0));
}

TEST_CASE("a zero length is a terminator") {
    CfiBuilder builder = CfiBuilder::eh_frame(section_address);
    builder.terminator();
    const auto entry = read_entry(view_of(builder), 0);
    REQUIRE(entry);
    CHECK(entry->kind == CfiEntry::Kind::terminator);
    CHECK(entry->end == 4);
}

TEST_CASE("an FDE whose CIE pointer leads before the section has no CIE") {
    CfiBuilder builder = CfiBuilder::eh_frame(section_address);
    const std::size_t offset = builder.fde(builder.cie(), 0x1000, 0x40);
    builder.bytes().patch(offset + 4, 0x10000, 4);
    CHECK_FALSE(fde_at(view_of(builder), offset));
}

TEST_CASE("no cut of an entry is read past its end") {
    CfiBuilder builder = CfiBuilder::eh_frame(section_address);
    CieSpec spec;
    spec.augmentation = "zPLR";
    spec.augmentation_data = CfiBytes().u8(0x9b).u32(0x1234).u8(0x1b).u8(0x1b);
    const std::size_t offset = builder.fde(builder.cie(spec), 0x1000, 0x40, {0x0e, 16});
    CfiSection whole = view_of(builder);
    for (std::size_t size = 0; size < whole.bytes.size(); ++size) {
        CfiSection cut = whole;
        cut.bytes = whole.bytes.first(size);
        CHECK_FALSE(fde_at(cut, offset));
    }
}
