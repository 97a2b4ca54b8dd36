#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "support/cfi_builder.h"
#include "unwind/fde_search.h"

using namespace fgread;
using fgread::test::CfiBuilder;
using fgread::test::CfiBytes;
using fgread::test::CieSpec;

namespace {

constexpr std::uint64_t frame_address = 0x100000;

CfiSection eh_frame_of(const CfiBuilder& builder) {
    CfiSection section;
    section.bytes = builder.sections().eh_frame;
    section.bases.section = frame_address;
    return section;
}

// The addresses around `pc`, which none covers, that none covers either.
AddressRange gap_around(const std::vector<FdePlace>& all, std::uint64_t pc) {
    AddressRange gap{0, ~std::uint64_t{0}};
    for (const FdePlace& fde : all) {
        if (fde.end <= pc) gap.first = std::max(gap.first, fde.end);
        if (fde.start > pc) gap.last = std::min(gap.last, fde.start - 1);
    }
    return gap;
}

std::size_t count_in(const std::vector<FdePlace>& all, AddressRange piece) {
    return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](const FdePlace& fde) {
        return fde.start <= piece.last && fde.end > piece.first;
    }));
}

// What a scan of all finds, asked at every address that one of them may cover.
void check_search(const CfiSection& section, std::uint64_t first, std::uint64_t last) {
    std::uint64_t malformed = 0;
    const std::vector<FdePlace> all = scan_fdes(section, malformed);
    REQUIRE_FALSE(all.empty());
    for (std::uint64_t pc = first; pc <= last; ++pc) {
        std::vector<std::uint64_t> expected, found;
        for (const FdePlace& fde : all) {
            if (pc >= fde.start && pc < fde.end) expected.push_back(fde.offset);
        }
        FdeCounts counts({first, last});
        const FdesAt at = find_fdes_at(section, pc, &counts);
        counts.all_added();
        const auto count = counts.at(pc);
        REQUIRE(count);
        REQUIRE(count->piece.first <= pc);
        REQUIRE(count->piece.last >= pc);
        REQUIRE(count->fdes == count_in(all, count->piece));
        for (const FdePlace& fde : at.fdes) found.push_back(fde.offset);
        CAPTURE(pc);
        REQUIRE(found == expected);
        REQUIRE(at.gap.first == (found.empty() ? gap_around(all, pc).first : 1));
        REQUIRE(at.gap.last == (found.empty() ? gap_around(all, pc).last : 0));
    }
}

}  // namespace

TEST_CASE("the search for one address finds the FDEs that a scan of all finds") {
    CfiBuilder builder = CfiBuilder::eh_frame(frame_address);
    const std::size_t cie = builder.cie();
    builder.fde(cie, 0x1000, 0x100, CfiBytes{0x44});
    builder.fde(cie, 0x1040, 0x10, CfiBytes{0x44});
    builder.fde(cie, 0x1180, 0x80, CfiBytes{0x44});
    SUBCASE("up to the terminator") {
        builder.terminator();
        builder.fde(cie, 0x1300, 0x10, CfiBytes{0x44});
    }
    SUBCASE("up to the section's end") {}
    check_search(eh_frame_of(builder), 0xfff, 0x1320);
}

TEST_CASE("the search for one address reads FDEs of every encoding") {
    for (const unsigned encoding : {0x00u, 0x03u, 0x0cu, 0x1bu, 0x1cu}) {  // absolute, and pcrel
        CAPTURE(encoding);
        CfiBuilder builder = CfiBuilder::eh_frame(frame_address);
        CieSpec spec;
        spec.fde_encoding = encoding;
        const std::size_t odd = builder.cie(spec), usual = builder.cie();
        builder.fde(odd, 0x1000, 0x20, CfiBytes{0x44});
        builder.fde(usual, 0x1010, 0x20, CfiBytes{0x44});
        builder.fde(odd, 0x1040, 0x20, CfiBytes{0x44});
        builder.terminator();
        check_search(eh_frame_of(builder), 0xff0, 0x1070);
    }
}

TEST_CASE("an FDE whose CIE would be in front of the section says nothing of where no FDE is") {
    CfiBuilder builder = CfiBuilder::eh_frame(frame_address);
    const auto add_without_cie = [&] {
        const std::uint64_t offset = builder.bytes().size();
        const std::uint64_t start = 0x1080 - (frame_address + offset + 8);
        builder.bytes().u32(16).u32(offset + 5).u32(start & 0xffffffff).u32(0x10).u32(0);
    };
    add_without_cie();
    const std::size_t cie = builder.cie();
    builder.fde(cie, 0x1000, 0x10, CfiBytes{0x44});
    add_without_cie();
    builder.fde(cie, 0x1100, 0x10, CfiBytes{0x44});
    check_search(eh_frame_of(builder), 0xff0, 0x1120);
}

TEST_CASE("the search for one address ends where the section is damaged") {
    CfiBuilder builder = CfiBuilder::eh_frame(frame_address);
    const std::size_t cie = builder.cie();
    builder.fde(cie, 0x1000, 0x100, CfiBytes{0x44});
    builder.fde(cie, 0x1180, 0x80, CfiBytes{0x44});
    CfiSection section = eh_frame_of(builder);
    for (const std::size_t cut : {1u, 4u, 9u, 13u, 17u}) {
        CfiSection shorter = section;
        shorter.bytes = section.bytes.first(section.bytes.size() - cut);
        check_search(shorter, 0xffe, 0x1200);
    }
}

TEST_CASE("FDEs are counted in each KiB of a text that they are in, wherever they begin and end") {
    const std::vector<FdePlace> all = {
        {0, 0x10, 0},         {0xff0, 0x1410, 0},
        {0x1400, 0x1800, 0},  {0x17ff, 0x1801, 0},
        {0x1900, 0x1901, 0},  {0x1a00, 0x9000, 0},
        {0x2000, 0x20000, 0}, {~std::uint64_t{0} - 9, ~std::uint64_t{0}, 0},
        {0x1234, 0x1235, 0}};
    FdeCounts counts({0x1010, 0x2fff});
    for (const FdePlace& fde : all) counts.add(fde.start, fde.end);
    counts.all_added();
    for (std::uint64_t address = 0x1000; address < 0x3000; address += 0x80) {
        const auto count = counts.at(address);
        REQUIRE(count);
        CHECK(count->fdes == count_in(all, count->piece));
    }
    CHECK_FALSE(counts.at(0xfff));
    CHECK_FALSE(counts.at(0x3000));
}

TEST_CASE("FDEs are not counted in a span that no text has") {
    const std::uint64_t top = ~std::uint64_t{0};
    for (const AddressRange span :
         {AddressRange{1, 0}, AddressRange{0, top}, AddressRange{top - 9, top},
          AddressRange{0, std::uint64_t{1} << 40}}) {
        FdeCounts counts(span);
        counts.add(span.first, span.first + 1);
        counts.all_added();
        CHECK_FALSE(counts.at(span.first));
    }
}
