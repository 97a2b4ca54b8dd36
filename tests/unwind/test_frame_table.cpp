#include <doctest/doctest.h>

#include <vector>

#include "tests/collapse/random.h"
#include "unwind/frame_table.h"

using namespace fgread;
using fgread::testing::Random;

namespace {

Frame frame(std::uint32_t module, std::uint64_t offset, FrameKind kind = FrameKind::exact) {
    return {ModuleId{module}, kind, offset};
}

}  // namespace

TEST_CASE("frames get dense numbers in order of first appearance") {
    FrameTable table;
    CHECK(table.size() == 0);
    CHECK(table.intern(frame(1, 0x10)) == 0);
    CHECK(table.intern(frame(1, 0x20)) == 1);
    CHECK(table.intern(frame(1, 0x10)) == 0);
    CHECK(table.intern(frame(2, 0x10)) == 2);
    REQUIRE(table.size() == 3);
    CHECK(table[2] == frame(2, 0x10));
    CHECK(table.frames().size() == 3);
}

TEST_CASE("a call's return address is another frame than the same address executing") {
    FrameTable table;
    const FrameId executing = table.intern(frame(1, 0x10, FrameKind::exact));
    const FrameId returning = table.intern(frame(1, 0x10, FrameKind::return_address));
    CHECK(executing != returning);
    CHECK(table[returning].lookup_offset() == 0xf);
}

TEST_CASE("the extreme values of a frame are frames like others") {
    FrameTable table;
    const std::vector<Frame> extremes = {
        frame(0, 0), frame(0, ~std::uint64_t{0}), frame(0xffffffff, 0),
        frame(0xffffffff, ~std::uint64_t{0}, FrameKind::return_address)};
    for (const Frame& one : extremes) table.intern(one);
    for (std::size_t i = 0; i < extremes.size(); ++i) {
        CHECK(table.intern(extremes[i]) == i);
        CHECK(table[static_cast<FrameId>(i)] == extremes[i]);
    }
}

TEST_CASE("a frame table keeps its numbers while it grows") {
    FrameTable table;
    constexpr std::uint32_t count = 200'000;
    // Offsets one page apart in modules one apart: the worst input of a hash that only adds.
    const auto nth = [](std::uint32_t i) { return frame(i % 7, std::uint64_t{i / 7} << 12); };
    for (std::uint32_t i = 0; i < count; ++i) REQUIRE(table.intern(nth(i)) == i);
    for (std::uint32_t i = 0; i < count; ++i) REQUIRE(table.intern(nth(i)) == i);
    CHECK(table.size() == count);
}

TEST_CASE("frames beyond a count are forgotten, those before it keep their numbers") {
    FrameTable table;
    for (std::uint32_t i = 0; i < 5'000; ++i) table.intern(frame(1, i));
    table.cut_to(100);
    CHECK(table.size() == 100);
    CHECK(table.intern(frame(1, 99)) == 99);
    CHECK(table.intern(frame(1, 4'000)) == 100);
    table.cut_to(0);
    CHECK(table.intern(frame(1, 99)) == 0);
}

TEST_CASE("random frames in random order are told apart") {
    Random random(1);
    std::vector<Frame> frames;
    FrameTable table;
    for (int i = 0; i < 20'000; ++i) {
        const bool known = !frames.empty() && random.below(2) == 0;
        const Frame next =
            known ? frames[random.below(static_cast<std::uint32_t>(frames.size()))]
                  : frame(random.below(100), random.below(100'000),
                          random.below(2) ? FrameKind::exact : FrameKind::return_address);
        const FrameId id = table.intern(next);
        REQUIRE(table[id] == next);
        if (id == frames.size()) frames.push_back(next);
        REQUIRE(id < frames.size());
        REQUIRE(frames[id] == next);
    }
    CHECK(table.frames() == frames);
}
