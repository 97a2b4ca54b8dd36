#include <doctest/doctest.h>

#include <limits>
#include <vector>

#include "collapse/time_slices.h"

using namespace fgread;

namespace {

constexpr std::uint32_t clock_event = 0;
constexpr std::uint32_t lasting = 1;

struct Example {
    Example() {
        profile.stacks.root(0);
        profile.events.resize(2);
        profile.lasting_event = lasting;
    }
    void sample(std::uint64_t time, std::uint32_t event, std::uint64_t period) {
        TimelineSample one;
        one.when.time = time;
        one.event = event;
        one.period = period;
        profile.timeline.push_back(one);
    }
    std::vector<TimeSlice> slices(const Slicing& slicing,
                                  const std::vector<bool>& events = {true, true}) {
        const auto cut = cut_slices(profile, events, slicing);
        REQUIRE(cut.has_value());
        return *cut;
    }
    // The sum of the periods of each slice.
    std::vector<std::uint64_t> weights(const Slicing& slicing) {
        std::vector<std::uint64_t> out;
        for (const TimeSlice& slice : slices(slicing)) {
            Profile part = profile;
            use_slice(part, profile.timeline, slice);
            std::uint64_t sum = 0;
            for (const StackWeight& weight : part.weights) sum += weight.period;
            CHECK(sum == part.events[0].period + part.events[1].period);
            out.push_back(sum);
        }
        return out;
    }
    Profile profile;
};

using Sums = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("slices are of equal length, without gaps, from the first sample to the last") {
    Example example;
    example.sample(100, clock_event, 5);
    example.sample(110, clock_event, 7);
    const std::vector<TimeSlice> slices = example.slices({.count = 4});
    REQUIRE(slices.size() == 4);
    CHECK(slices.front().from == 100);
    CHECK(slices.back().to == 111);
    for (std::size_t i = 0; i < slices.size(); ++i) {
        CHECK(slices[i].number == i + 1);
        CHECK(slices[i].count == 4);
        const std::uint64_t length = slices[i].to - slices[i].from;
        CHECK((length == 2 || length == 3));
        if (i != 0) CHECK(slices[i].from == slices[i - 1].to);
    }
    CHECK(example.weights({.count = 4}) == Sums{5, 0, 0, 7});
}

TEST_CASE("each sample is in one slice, and the slices weigh what the whole does") {
    Example example;
    for (std::uint64_t i = 0; i < 100; ++i) example.sample(1000 + i, clock_event, i);
    const Sums ten = example.weights({.count = 10});
    CHECK(ten.front() == 45);
    CHECK(ten.back() == 945);
    CHECK(example.weights({.count = 1}) == Sums{4950});
}

TEST_CASE("what lasts is cut at the borders of slices") {
    Example example;
    example.sample(0, lasting, 100);
    example.sample(10, clock_event, 1);
    example.sample(90, lasting, 60);
    CHECK(example.weights({.count = 3}) == Sums{51, 60, 50});
    Profile part = example.profile;
    use_slice(part, example.profile.timeline, example.slices({.count = 3})[2]);
    REQUIRE(part.timeline.size() == 1);
    CHECK(part.timeline[0].when.time == 100);
    CHECK(part.timeline[0].period == 50);
}

TEST_CASE("slices of a given length: the last one is what is left") {
    Example example;
    example.sample(0, clock_event, 1);
    example.sample(24, clock_event, 2);
    const std::vector<TimeSlice> slices = example.slices({.length_ns = 10});
    REQUIRE(slices.size() == 3);
    CHECK(slices[1].to == 20);
    CHECK(slices[2].to == 25);
    CHECK(example.slices({.length_ns = 25}).size() == 1);
}

TEST_CASE("other events' samples do not stretch the time; without samples there is no slice") {
    Example example;
    example.sample(0, lasting, 10);
    example.sample(100, clock_event, 1);
    CHECK(example.slices({.count = 2}, {true, false}).front().from == 100);
    CHECK(example.slices({.count = 2}, {false, false}).empty());
}

TEST_CASE("more slices than files are sensible are refused, whatever the times are") {
    Example example;
    constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
    example.sample(0, clock_event, 1);
    example.sample(most, clock_event, 1);
    example.sample(most - 1, lasting, most);
    CHECK_FALSE(cut_slices(example.profile, {true, true}, {.length_ns = 10}).has_value());
    CHECK_FALSE(cut_slices(example.profile, {true, true}, {.count = max_slices + 1}).has_value());
    CHECK(example.slices({.count = 3}).size() == 3);
}
