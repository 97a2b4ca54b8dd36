#include <doctest/doctest.h>

#include "symbols/segments.h"
#include "tests/symbols/elf_builder.h"

using namespace fgread;
using namespace fgread::test;

namespace {

Segment load(std::uint64_t offset, std::uint64_t address, std::uint64_t size, bool executable) {
    Segment segment;
    segment.type = 1;
    segment.offset = offset;
    segment.address = {address};
    segment.file_size = segment.memory_size = size;
    segment.executable = executable;
    return segment;
}

std::uint64_t svma(const std::vector<Segment>& segments, std::uint64_t offset,
                   std::uint64_t length) {
    const auto found = svma_of_mapping(segments, offset, length);
    return found ? found->value : ~std::uint64_t{0};
}

}  // namespace

TEST_CASE("GNU ld: text begins on a page, offset and address agree") {
    const std::vector<Segment> segments{load(0, 0, 0x25388, false),
                                        load(0x26000, 0x26000, 0x1550fc, true)};
    CHECK(svma(segments, 0x26000, 0x156000) == 0x26000);
}

TEST_CASE("lld: text begins in the middle of a page, one page further in memory than in the file") {
    // librustc_driver: R at 0, R E at offset 0x11a0c00, address 0x11a1c00.
    const std::vector<Segment> segments{load(0, 0, 0x11a0bc4, false),
                                        load(0x11a0c00, 0x11a1c00, 0x3b1c9c0, true)};
    CHECK(svma(segments, 0x11a0000, 0x3b1e000) == 0x11a1000);
}

TEST_CASE("two text segments that share a file page are told apart by the mapping's length") {
    const std::vector<Segment> segments{load(0x1000, 0x1000, 0x800, true),
                                        load(0x1800, 0x2800, 0x5000, true)};
    CHECK(svma(segments, 0x1000, 0x1000) == 0x1000);
    CHECK(svma(segments, 0x1000, 0x6000) == 0x2000);
}

TEST_CASE("a mapping of the second part of a segment keeps its place") {
    const std::vector<Segment> segments{load(0x1000, 0x401000, 0x8000, true)};
    CHECK(svma(segments, 0x3000, 0x2000) == 0x403000);
}

TEST_CASE("an executable segment is preferred to one that is not") {
    const std::vector<Segment> segments{load(0, 0, 0x4000, false),
                                        load(0x1000, 0x9000, 0x100, true)};
    CHECK(svma(segments, 0x1000, 0x1000) == 0x9000);
}

TEST_CASE("a mapping no segment explains has no address") {
    const std::vector<Segment> segments{load(0x1000, 0x1000, 0x1000, true)};
    CHECK_FALSE(svma_of_mapping(segments, 0x5000, 0x1000));
    CHECK_FALSE(svma_of_mapping({}, 0, 0x1000));
}

TEST_CASE("segments at the end of the number range do not wrap") {
    const std::vector<Segment> segments{load(0xfffffffffffff000, 0, 0xffffffffffffffff, true)};
    CHECK_FALSE(svma_of_mapping(segments, 0, 0x1000));
    CHECK(svma(segments, 0xfffffffffffff000, 0xffff) == 0);
}

TEST_CASE("without program headers the executable sections stand for segments") {
    ElfBuilder elf;
    elf.add({.name = ".text", .flags = 6, .address = 0x80, .content = Bytes(32)});
    const auto image = ElfImage::read(elf.bytes());
    REQUIRE(image);
    const std::vector<Segment> segments = loaded_segments(*image);
    REQUIRE(segments.size() == 1);
    CHECK(segments[0].address.value == 0x80);
}
