#include <doctest/doctest.h>

#include <cstdint>
#include <string>

#include "collapse/sample_filter.h"

using namespace fgread;

namespace {

bool in_list(const std::string& list, std::int32_t pid) {
    SampleFilter filter;
    auto ranges = parse_number_list(list);
    REQUIRE(ranges.has_value());
    filter.pids = *ranges;
    SampleView sample;
    sample.pid = Pid{pid};
    return filter.accepts(sample);
}

// Whether a sample at `time` of a recording from `first` to `last` is chosen.
bool in_time(const std::string& text, std::uint64_t time, std::uint64_t first = 1000,
             std::uint64_t last = 2000) {
    SampleFilter filter;
    auto spans = parse_time_spans(text);
    REQUIRE(spans.has_value());
    filter.times = *spans;
    if (filter.needs_time_bounds()) filter.resolve_times(first, last);
    SampleView sample;
    sample.time = TimestampNs{time};
    return filter.accepts(sample);
}

}  // namespace

TEST_CASE("a list has numbers and ranges") {
    CHECK(in_list("7", 7));
    CHECK_FALSE(in_list("7", 8));
    CHECK(in_list("1,5-7", 6));
    CHECK(in_list("1,5-7", 7));
    CHECK_FALSE(in_list("1,5-7", 4));
    CHECK_FALSE(in_list("0-4294967295", -1));
    for (const char* wrong : {"", "a", "1,", "-1", "5-3", "1-2-3", "1 2", "99999999999999999999"}) {
        CAPTURE(wrong);
        CHECK_FALSE(parse_number_list(wrong).has_value());
    }
}

TEST_CASE("an absolute time is in seconds, both ends included") {
    const std::uint64_t day = 86400ULL * 1'000'000'000;
    CHECK(in_time("86400.000000001,86400.5", day + 1));
    CHECK_FALSE(in_time("86400.000000001,86400.5", day));
    CHECK(in_time("86400.000000001,86400.5", day + 500'000'000));
    CHECK_FALSE(in_time("86400.000000001,86400.5", day + 500'000'001));
    CHECK(in_time("1,", UINT64_MAX));
    CHECK(in_time(",1", 0));
    CHECK(in_time("1,2 5,6", 5'500'000'000));
    CHECK_FALSE(in_time("1,2 5,6", 3'000'000'000));
}

TEST_CASE("a relative time is a part of the recording, each sample in one part") {
    CHECK(in_time("0%-10%", 1000));
    CHECK(in_time("0%-10%", 1099));
    CHECK_FALSE(in_time("0%-10%", 1100));
    CHECK(in_time("10%-20%", 1100));
    CHECK(in_time("10%/2", 1100));
    CHECK_FALSE(in_time("10%/2", 1200));
    CHECK(in_time("10%/10", 2000));
    CHECK(in_time("90%-100%", 2000));
    CHECK(in_time("0%-10%,90%-100%", 1950));
    CHECK(in_time("12.5%/8", 2000));
    CHECK(in_time("0%-100%", UINT64_MAX, 0, UINT64_MAX));
    CHECK(in_time("50%-60%", 5, 5, 5));  // a recording of one sample
}

TEST_CASE("what is no time is refused") {
    for (const char* wrong :
         {"", ",", "1", "2,1", "a,b", "1,2,3", "1.0000000001,2", "10%", "20%-10%", "10%/0",
          "10%/11", "110%-120%", "-5%-10%", "0%/1", "nan%-inf%", "99999999999999,"}) {
        CAPTURE(wrong);
        CHECK_FALSE(parse_time_spans(wrong).has_value());
    }
}

TEST_CASE("a name is chosen by name or glob, any of several") {
    SampleFilter filter;
    CHECK(filter.accepts_comm("x"));
    filter.comms = {"node", "worker*", "odd[1]"};
    CHECK(filter.accepts_comm("node"));
    CHECK(filter.accepts_comm("worker 3"));
    CHECK(filter.accepts_comm("odd[1]"));
    CHECK_FALSE(filter.accepts_comm("nodejs"));
}
