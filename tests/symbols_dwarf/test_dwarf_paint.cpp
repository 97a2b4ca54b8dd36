#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "symbols/dwarf_paint.h"

using namespace fgread;

namespace {

constexpr std::uint32_t nobody = 99;

std::uint32_t owner_at(const PaintedIntervals& painted, std::uint64_t at) {
    std::uint32_t owner = nobody;
    for (std::size_t i = 0; i < painted.starts.size() && painted.starts[i] <= at; ++i) {
        owner = painted.owners[i];
    }
    return owner;
}

}  // namespace

TEST_CASE("painting nothing gives no intervals") {
    std::vector<PaintRange> ranges;
    CHECK(paint(ranges, nobody).starts.empty());
}

TEST_CASE("ranges that touch leave no gap, ranges apart do") {
    std::vector<PaintRange> ranges{{10, 20, 0}, {20, 30, 1}, {40, 50, 2}};
    const PaintedIntervals painted = paint(ranges, nobody);
    CHECK(painted.starts == std::vector<std::uint64_t>{10, 20, 30, 40, 50});
    CHECK(painted.owners == std::vector<std::uint32_t>{0, 1, nobody, 2, nobody});
}

TEST_CASE("two ranges of one owner that touch are one interval") {
    std::vector<PaintRange> ranges{{20, 30, 5}, {10, 20, 5}};
    const PaintedIntervals painted = paint(ranges, nobody);
    CHECK(painted.starts == std::vector<std::uint64_t>{10, 30});
    CHECK(painted.owners == std::vector<std::uint32_t>{5, nobody});
}

TEST_CASE("a range up to the end of the address space") {
    std::vector<PaintRange> ranges{{10, UINT64_MAX, 1}};
    const PaintedIntervals painted = paint(ranges, nobody);
    CHECK(owner_at(painted, 10) == 1);
    CHECK(owner_at(painted, UINT64_MAX - 1) == 1);
}

TEST_CASE("random ranges are painted as painting each address would") {
    std::mt19937 random(1);
    for (int round = 0; round < 300; ++round) {
        std::vector<PaintRange> ranges;
        std::vector<std::uint32_t> expected(64, nobody);
        const auto count = static_cast<std::uint32_t>(random() % 12);
        for (std::uint32_t owner = 0; owner < count; ++owner) {
            for (auto pieces = random() % 3; pieces > 0; --pieces) {
                const std::uint64_t low = random() % 60;
                const std::uint64_t high = low + 1 + random() % (63 - low);
                ranges.push_back({low, high, owner});
                for (std::uint64_t at = low; at < high; ++at) expected[at] = owner;
            }
        }
        std::shuffle(ranges.begin(), ranges.end(), random);
        const PaintedIntervals painted = paint(ranges, nobody);
        for (std::uint64_t at = 0; at < 64; ++at) REQUIRE(owner_at(painted, at) == expected[at]);
        for (std::size_t i = 1; i < painted.owners.size(); ++i) {
            REQUIRE(painted.starts[i - 1] < painted.starts[i]);
            REQUIRE(painted.owners[i - 1] != painted.owners[i]);
        }
        if (!painted.owners.empty()) REQUIRE(painted.owners.back() == nobody);
    }
}
