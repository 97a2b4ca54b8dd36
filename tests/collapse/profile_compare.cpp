#include "tests/collapse/profile_compare.h"

#include <doctest/doctest.h>

#include <cstddef>
#include <tuple>

namespace fgread::testing {

void check_equal(const Profile& got, const Profile& expected) {
    REQUIRE(got.frames.frames() == expected.frames.frames());
    REQUIRE(got.groups == expected.groups);
    REQUIRE(got.stacks.nodes() == expected.stacks.nodes());
    const auto key = [](const StackWeight& weight) {
        return std::tuple(weight.stack, weight.event, weight.samples, weight.period);
    };
    REQUIRE(got.weights.size() == expected.weights.size());
    for (std::size_t i = 0; i < got.weights.size(); ++i) {
        REQUIRE(key(got.weights[i]) == key(expected.weights[i]));
    }
    REQUIRE(got.events.size() == expected.events.size());
    for (std::size_t i = 0; i < got.events.size(); ++i) {
        REQUIRE(got.events[i].samples == expected.events[i].samples);
        REQUIRE(got.events[i].period == expected.events[i].period);
    }
    REQUIRE(got.stops.size() == expected.stops.size());
    for (std::size_t i = 0; i < got.stops.size(); ++i) {
        REQUIRE(got.stops[i].module == expected.stops[i].module);
        REQUIRE(got.stops[i].reason == expected.stops[i].reason);
        REQUIRE(got.stops[i].samples == expected.stops[i].samples);
    }
    REQUIRE(got.sample_count == expected.sample_count);
    REQUIRE(got.frame_count == expected.frame_count);
    REQUIRE(got.guest_samples == expected.guest_samples);
    REQUIRE(got.stop_reasons == expected.stop_reasons);
}

}  // namespace fgread::testing
