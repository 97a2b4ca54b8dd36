#include <doctest/doctest.h>

#include "collapse/stack_depth.h"

using namespace fgread;

namespace {

constexpr std::uint64_t top = 0x7fff'0000'0000;
constexpr std::uint64_t dump = 8192;

StackDepth complete(std::int32_t tid, std::uint64_t bytes, std::uint64_t end = top) {
    return {Pid{1}, Tid{tid}, end - bytes, end, false};
}
StackDepth cut(std::int32_t tid, std::uint64_t bytes, std::uint64_t end = top) {
    return {Pid{1}, Tid{tid}, end - bytes, end - bytes + dump, true};
}

}  // namespace

TEST_CASE("a cut stack is as deep as a complete one of its thread says") {
    StackDepths depths;
    depths.add(cut(1, 12'000));  // before and after the one that is complete
    depths.add(complete(1, 100));
    depths.add(cut(1, 40'000));
    depths.add(cut(1, 70'000));
    const DepthStats stats = depths.stats();
    CHECK(stats.fitting(8192) == 1);
    CHECK(stats.fitting(16384) == 2);
    CHECK(stats.fitting(32768) == 2);
    CHECK(stats.fitting(65528) == 3);
    CHECK(stats.fitting(1u << 20) == 3);  // how deep the deepest is was not kept
    CHECK(stats.cut_unknown == 0);
}

TEST_CASE("the stacks of other threads say nothing about a cut one") {
    StackDepths depths;
    depths.add(complete(1, 100));
    depths.add(cut(2, 12'000));
    CHECK(depths.stats().cut_unknown == 1);
    CHECK(depths.stats().fitting(65528) == 1);
}

TEST_CASE("an end that lies in the dump of a cut stack is another stack's") {
    StackDepths depths;
    const std::uint64_t lower = top - 20'000;
    depths.add(complete(1, 100, lower));
    depths.add(cut(1, 22'000));  // its dump spans `lower`
    CHECK(depths.stats().cut_unknown == 1);
    depths.add(complete(1, 100, top));
    CHECK(depths.stats().cut_unknown == 0);
    CHECK(depths.stats().fitting(16384) == 2);
    CHECK(depths.stats().fitting(32768) == 3);
}

TEST_CASE("what the complete stacks needed is told in whole KiB") {
    StackDepths depths;
    CHECK(depths.stats().complete_needed(0.5) == 0);
    for (int i = 0; i < 90; ++i) depths.add(complete(1, 1000));
    for (int i = 0; i < 10; ++i) depths.add(complete(1, 5121));
    CHECK(depths.stats().complete_count() == 100);
    CHECK(depths.stats().complete_needed(0.5) == 1024);
    CHECK(depths.stats().complete_needed(0.9) == 1024);
    CHECK(depths.stats().complete_needed(0.99) == 6144);
}

TEST_CASE("a stack that ends below where it began is not counted") {
    StackDepths depths;
    depths.add({Pid{1}, Tid{1}, top, top - 8, false});
    CHECK(depths.stats().complete_count() == 0);
}
