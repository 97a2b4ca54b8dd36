#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

#include "collapse/off_cpu.h"
#include "perfdata/format.h"

using namespace fgread;

namespace {

using Kind = ThreadSwitch::Kind;

constexpr std::uint32_t clock_event = 0;
constexpr std::uint32_t leaving_event = 1;
constexpr std::uint64_t ms = 1'000'000;

EventAttr attr(const char* name, std::uint32_t type, std::uint64_t config) {
    EventAttr attr;
    attr.name = name;
    attr.type = type;
    attr.config = config;
    attr.sample_type = format::sample_tid | format::sample_time;
    return attr;
}

// A recording of a clock and of context switches, with the stacks 0, 1, 2 ...; times are in ms.
struct Recording {
    Recording() {
        for (std::uint32_t group = 0; group < 5; ++group) profile.stacks.root(group);
        profile.events.resize(2);
    }

    void sample(std::uint64_t time, std::uint32_t event, std::int32_t tid, StackId stack) {
        TimelineSample one;
        one.when = {time * ms, sequence++};
        one.period = event == clock_event ? ms : 1;
        one.tid = Tid{tid};
        one.stack = stack;
        one.event = event;
        profile.timeline.push_back(one);
        ++profile.events[event].samples;
        profile.end.value = std::max(profile.end.value, one.when.time);
    }
    void change(std::uint64_t time, Kind kind, std::int32_t tid) {
        profile.switches.push_back({{time * ms, sequence++}, Tid{tid}, kind});
        profile.end.value = std::max(profile.end.value, time * ms);
    }
    // Leaves with a sample of where it waits.
    void leave(std::uint64_t time, std::int32_t tid, StackId stack, Kind kind = Kind::blocked) {
        sample(time, leaving_event, tid, stack);
        change(time, kind, tid);
    }
    void come_back(std::uint64_t time, std::int32_t tid) { change(time, Kind::in, tid); }

    // By stack, in ms.
    std::map<StackId, std::uint64_t> weigh(TimeKind kind, const SampleFilter& filter = {}) {
        sort_by_time(profile.timeline);
        sort_by_time(profile.switches);
        Result<OffCpuResult> got = weigh_off_cpu(profile, attrs, kind, filter);
        REQUIRE(got.has_value());
        result = std::move(*got);
        std::map<StackId, std::uint64_t> weights;
        std::uint64_t sum = 0;
        for (const StackWeight& weight : profile.weights) {
            CHECK(result.events[weight.event]);
            weights[weight.stack] += weight.period / ms;
            sum += weight.period;
        }
        std::uint64_t timeline_sum = 0;
        for (const TimelineSample& one : profile.timeline) timeline_sum += one.period;
        CHECK(timeline_sum == sum);
        return weights;
    }

    Profile profile;
    std::vector<EventAttr> attrs = {attr("cpu-clock", format::type_software, 0),
                                    attr("context-switches", format::type_software, 3)};
    OffCpuResult result;
    std::uint64_t sequence = 0;
};

using Weights = std::map<StackId, std::uint64_t>;

}  // namespace

TEST_CASE("a wait lasts from a thread's leaving to its coming back, and weighs where it left") {
    Recording recording;
    recording.leave(10, 7, 1);
    recording.come_back(30, 7);
    recording.leave(40, 7, 2);
    recording.come_back(45, 7);
    recording.leave(50, 7, 1);
    recording.come_back(51, 7);
    CHECK(recording.weigh(TimeKind::off_cpu) == Weights{{1, 21}, {2, 5}});
    const OffCpuStats& stats = recording.result.stats;
    CHECK(stats.blocked.waits == 3);
    CHECK(stats.blocked.ns == 26 * ms);
    CHECK(stats.until_sample.waits == 0);
    CHECK(stats.until_end.waits == 0);
    CHECK(recording.profile.lasting_event == leaving_event);
    CHECK(recording.attrs[leaving_event].name == off_cpu_event);
    CHECK(recording.profile.events[leaving_event].samples == 3);
}

TEST_CASE("threads wait each for itself") {
    Recording recording;
    recording.leave(10, 7, 1);
    recording.leave(11, 8, 2);
    recording.come_back(12, 8);
    recording.come_back(20, 7);
    CHECK(recording.weigh(TimeKind::off_cpu) == Weights{{1, 10}, {2, 1}});
}

TEST_CASE("the wait begins when the thread has left, not when its stack is copied") {
    Recording recording;
    recording.sample(10, leaving_event, 7, 1);
    recording.change(12, Kind::blocked, 7);
    recording.come_back(20, 7);
    CHECK(recording.weigh(TimeKind::off_cpu) == Weights{{1, 8}});
}

TEST_CASE("a thread that both the tracepoint and a record say has left waits once") {
    Recording recording;
    recording.leave(10, 7, 1);
    recording.change(11, Kind::blocked, 7);
    recording.come_back(20, 7);
    recording.come_back(21, 7);
    CHECK(recording.weigh(TimeKind::off_cpu) == Weights{{1, 10}});
    CHECK(recording.result.stats.blocked.waits == 1);
    CHECK(recording.result.stats.without_stack.waits == 0);
}

TEST_CASE("threads that could have gone on are told from those that waited for something") {
    Recording recording;
    recording.leave(10, 7, 1, Kind::preempted);
    recording.come_back(13, 7);
    recording.leave(20, 7, 2);
    recording.come_back(25, 7);
    CHECK(recording.weigh(TimeKind::off_cpu) == Weights{{1, 3}, {2, 5}});
    CHECK(recording.result.stats.preempted.ns == 3 * ms);
    CHECK(recording.result.stats.blocked.ns == 5 * ms);
    CHECK(off_cpu_text(recording.result.stats) ==
          "0.008 s off CPU in 2 waits: 0.005 s in 1 blocked, 0.003 s in 1 preempted");
}

TEST_CASE("a thread that never comes back waits until the recording ends, unless it has exited") {
    Recording recording;
    recording.leave(10, 7, 1);
    recording.change(15, Kind::ended, 8);
    recording.leave(16, 8, 2);
    recording.leave(17, 9, 3, Kind::gone);
    recording.come_back(50, 6);
    CHECK(recording.weigh(TimeKind::off_cpu) == Weights{{1, 40}});
    CHECK(recording.result.stats.until_end.waits == 1);
    CHECK(recording.result.stats.until_end.ns == 40 * ms);
}

TEST_CASE("where nothing says that threads come back, their next sample or their exit does") {
    Recording recording;
    recording.leave(10, 7, 1);
    recording.sample(30, clock_event, 7, 4);
    recording.leave(40, 7, 2);
    recording.leave(70, 7, 3);
    recording.change(110, Kind::ended, 7);
    CHECK(recording.weigh(TimeKind::off_cpu) == Weights{{1, 20}, {2, 30}, {3, 40}});
    CHECK(recording.result.stats.until_sample.waits == 3);
    CHECK(recording.result.stats.until_sample.ns == 90 * ms);
}

TEST_CASE("a sample that an NMI takes while the thread is leaving does not end its wait") {
    Recording recording;
    recording.leave(10, 7, 1);
    TimelineSample late = recording.profile.timeline.back();
    late.when = {10 * ms + 50'000, recording.sequence++};
    late.event = clock_event;
    recording.profile.timeline.push_back(late);
    recording.come_back(30, 7);
    CHECK(recording.weigh(TimeKind::off_cpu) == Weights{{1, 20}});
}

TEST_CASE("waits that no sample says the place of are counted") {
    Recording recording;
    recording.leave(10, 7, 1);
    recording.come_back(20, 7);
    recording.change(30, Kind::blocked, 7);
    recording.come_back(44, 7);
    recording.leave(50, 7, 1);
    recording.come_back(51, 7);
    recording.change(60, Kind::blocked, 7);  // the samples may have been switched off
    recording.come_back(70, 7);
    recording.change(30, Kind::blocked, 8);  // none of its samples is selected
    recording.come_back(44, 8);
    CHECK(recording.weigh(TimeKind::off_cpu) == Weights{{1, 11}});
    CHECK(recording.result.stats.without_stack.waits == 1);
    CHECK(recording.result.stats.without_stack.ns == 14 * ms);
}

TEST_CASE("threads that were off the CPU when the recording began are counted") {
    Recording recording;
    recording.come_back(5, 7);
    recording.leave(10, 7, 1);
    recording.come_back(12, 7);
    recording.change(3, Kind::blocked, 9);  // records of switches begin before samples do
    recording.come_back(5, 9);
    recording.leave(10, 9, 2);
    recording.come_back(12, 9);
    recording.change(5, Kind::started, 8);
    recording.come_back(6, 8);
    recording.leave(10, 8, 1);
    recording.come_back(12, 8);
    CHECK(recording.weigh(TimeKind::off_cpu) == Weights{{1, 4}, {2, 2}});
    CHECK(recording.result.stats.away_at_start == 2);
    CHECK(recording.result.stats.without_stack.waits == 0);
}

TEST_CASE("a number that is given to a new thread does not prolong the old one's wait") {
    Recording recording;
    recording.leave(10, 7, 1);
    recording.change(20, Kind::started, 7);
    recording.come_back(21, 7);
    CHECK(recording.weigh(TimeKind::off_cpu).empty());
}

TEST_CASE("the idle task does not wait") {
    Recording recording;
    recording.leave(10, 0, 1);
    recording.come_back(20, 0);
    CHECK(recording.weigh(TimeKind::off_cpu).empty());
}

TEST_CASE("wall-clock time is that on CPU by the samples of a clock, and that off CPU") {
    Recording recording;
    recording.sample(8, clock_event, 7, 4);
    recording.sample(9, clock_event, 7, 4);
    recording.leave(10, 7, 1);
    recording.come_back(30, 7);
    recording.sample(31, clock_event, 7, 1);
    CHECK(recording.weigh(TimeKind::wall) == Weights{{1, 21}, {4, 2}});
    CHECK(recording.result.events == std::vector<bool>{true, true});
    CHECK(recording.profile.timeline.size() == 4);
}

TEST_CASE("of a wait counts what lies in the times that are selected") {
    Recording recording;
    recording.leave(10, 7, 1);
    recording.come_back(30, 7);
    recording.sample(30, clock_event, 7, 4);
    recording.sample(31, clock_event, 7, 4);
    SampleFilter filter;
    filter.times = {{false, {12 * ms, 15 * ms}}, {false, {20 * ms, 30 * ms}}};
    CHECK(recording.weigh(TimeKind::wall, filter) == Weights{{1, 13}, {4, 1}});
    CHECK(recording.profile.timeline[1].when.time == 20 * ms);
}

TEST_CASE("perf's own samples of the time off CPU weigh what they say") {
    Recording recording;
    recording.attrs[leaving_event] = attr("offcpu-time", format::type_software, 10);
    recording.sample(10, leaving_event, 7, 1);
    recording.profile.timeline.back().period = 77 * ms;
    recording.sample(11, clock_event, 7, 2);
    Recording wall = recording;
    CHECK(recording.weigh(TimeKind::off_cpu) == Weights{{1, 77}});
    CHECK_FALSE(recording.profile.lasting_event.has_value());
    CHECK(wall.weigh(TimeKind::wall) == Weights{{1, 77}, {2, 1}});
}

TEST_CASE("a recording that cannot say it is refused, with what to record") {
    Recording recording;
    recording.attrs[leaving_event] = attr("page-faults", format::type_software, 2);
    auto got = weigh_off_cpu(recording.profile, recording.attrs, TimeKind::off_cpu, {});
    REQUIRE_FALSE(got.has_value());
    CHECK(got.error().message.find("--switch-events") != std::string::npos);

    Recording no_clock;
    no_clock.attrs[clock_event] = attr("cycles", format::type_hardware, 0);
    got = weigh_off_cpu(no_clock.profile, no_clock.attrs, TimeKind::wall, {});
    REQUIRE_FALSE(got.has_value());
    CHECK(got.error().message.find("cpu-clock") != std::string::npos);

    Recording no_times;
    no_times.attrs[leaving_event].sample_type = 0;
    got = weigh_off_cpu(no_times.profile, no_times.attrs, TimeKind::off_cpu, {});
    REQUIRE_FALSE(got.has_value());
    CHECK(got.error().message.find("-T") != std::string::npos);
}
