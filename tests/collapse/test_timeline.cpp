#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include "collapse/aggregate.h"
#include "perfdata/format.h"
#include "support/perf_builder.h"
#include "tests/collapse/random.h"
#include "tests/collapse/temp_file.h"

using namespace fgread;
using fgread::test::PerfBuilder;
using fgread::testing::Random;
using fgread::testing::TempFile;

namespace {

class NoModules final : public ModuleProvider {
public:
    CodeMapping resolve(MappingId mapping) override { return {ModuleId{mapping.value}, 0, {}, {}}; }
    std::optional<std::uint64_t> read_word(ModuleId, Svma) override { return std::nullopt; }
};

struct Aggregated {
    Profile profile;
    std::vector<std::string> comms;  // of the timeline
};

Aggregated run(const std::vector<std::byte>& bytes, AggregateOptions options = {}) {
    options.timeline = true;
    const TempFile path(bytes);
    Diagnostics diagnostics;
    const Result<PerfFile> file = PerfFile::open(path.path(), diagnostics);
    REQUIRE(file.has_value());
    Result<Scan> scan = file->scan(diagnostics);
    REQUIRE(scan.has_value());
    NoModules modules;
    Result<Profile> profile = aggregate(*file, *scan, modules, options, diagnostics);
    REQUIRE(profile.has_value());
    Aggregated out{std::move(*profile), {}};
    for (const TimelineSample& sample : out.profile.timeline) {
        out.comms.emplace_back(scan->processes.comm(sample.comm));
    }
    return out;
}

EventAttr event_with_cpu(std::uint64_t id) {
    EventAttr event = test::cpu_clock_event();
    event.sample_type |= format::sample_cpu;
    event.ids = {id};
    return event;
}

PerfBuilder start() {
    PerfBuilder perf;
    perf.add_event(event_with_cpu(100));
    perf.add_event(event_with_cpu(200));
    perf.comm({7, 7, 1}, "prog", test::exec);
    perf.comm({7, 8, 2}, "helper");
    perf.mmap2({7, 7, 3}, {.start = 0x400000, .length = 0x10000, .path = "/bin/prog"});
    return perf;
}

auto key(const TimelineSample& sample) {
    return std::tuple(sample.when, sample.period, sample.pid, sample.tid, sample.comm, sample.cpu,
                      sample.stack, sample.event);
}

std::vector<std::uint64_t> times(const Profile& profile) {
    std::vector<std::uint64_t> out;
    for (const TimelineSample& sample : profile.timeline) out.push_back(sample.when.time);
    return out;
}

// Rounds of buffers of four processors, one after the other, as perf record writes them.
PerfBuilder large_recording() {
    PerfBuilder perf = start();
    Random random(5);
    std::uint64_t time = 10;
    for (int round = 0; round < 400; ++round) {
        std::uint64_t last = time;
        for (std::uint32_t cpu = 0; cpu < 4; ++cpu) {
            std::uint64_t at = time;
            for (int i = 0; i < 50; ++i) {
                at += random.below(1000);
                perf.sample({.ip = 0x400000 + random.below(500),
                             .pid = 7,
                             .tid = 7 + static_cast<std::int32_t>(cpu % 2),
                             .time = at,
                             .cpu = cpu,
                             .period = random.below(100)},
                            random.below(2));
            }
            last = std::max(last, at);
        }
        time = last;
        perf.finished_round();
    }
    return perf;
}

}  // namespace

TEST_CASE("a timeline has every sample, in the order of time, not of the file") {
    PerfBuilder perf = start();
    perf.sample({.ip = 0x400010, .pid = 7, .tid = 7, .time = 10, .cpu = 0, .period = 5});
    perf.sample({.ip = 0x400020, .pid = 7, .tid = 7, .time = 30, .cpu = 0, .period = 6});
    perf.sample({.ip = 0x400010, .pid = 7, .tid = 8, .time = 20, .cpu = 1, .period = 7}, 1);
    const Aggregated got = run(perf.build());
    const Timeline& timeline = got.profile.timeline;
    REQUIRE(times(got.profile) == std::vector<std::uint64_t>{10, 20, 30});
    CHECK(got.comms == std::vector<std::string>{"prog", "helper", "prog"});
    CHECK(timeline[1].period == 7);
    CHECK(timeline[1].pid == Pid{7});
    CHECK(timeline[1].tid == Tid{8});
    CHECK(timeline[1].cpu == 1);
    CHECK(timeline[1].event == 1);
    CHECK(timeline[0].event == 0);
    CHECK(timeline[2].stack != timeline[0].stack);
    CHECK(timeline[2].stack == got.profile.weights[1].stack);
}

TEST_CASE("samples of one time are in the order of the file") {
    PerfBuilder perf = start();
    for (const std::uint64_t period : {3u, 1u, 2u}) {
        perf.sample({.ip = 0x400010, .pid = 7, .tid = 7, .time = 10, .period = period});
    }
    const Timeline timeline = run(perf.build()).profile.timeline;
    REQUIRE(timeline.size() == 3);
    CHECK(timeline[0].period == 3);
    CHECK(timeline[1].period == 1);
    CHECK(timeline[2].period == 2);
}

TEST_CASE("the timeline weighs what the stacks weigh") {
    const Profile profile = run(large_recording().build()).profile;
    REQUIRE(profile.timeline.size() == profile.sample_count);
    std::vector<std::vector<std::uint64_t>> sums(2,
                                                 std::vector<std::uint64_t>(profile.stacks.size()));
    for (const TimelineSample& sample : profile.timeline) {
        sums[sample.event][sample.stack] += sample.period;
    }
    for (const StackWeight& weight : profile.weights) {
        CHECK(sums[weight.event][weight.stack] == weight.period);
    }
    CHECK(std::is_sorted(profile.timeline.begin(), profile.timeline.end(),
                         [](const auto& a, const auto& b) { return a.when < b.when; }));
}

TEST_CASE("the timeline is the same for every number of threads") {
    const std::vector<std::byte> file = large_recording().build();
    AggregateOptions options;
    options.jobs = 1;
    const Timeline expected = run(file, options).profile.timeline;
    for (const unsigned jobs : {2u, 5u}) {
        options.jobs = jobs;
        const Timeline got = run(file, options).profile.timeline;
        REQUIRE(got.size() == expected.size());
        CHECK(std::equal(got.begin(), got.end(), expected.begin(),
                         [](const auto& a, const auto& b) { return key(a) == key(b); }));
    }
}

TEST_CASE("a stream, which comes in batches, has the timeline of the file") {
    const PerfBuilder perf = large_recording();
    const Aggregated file = run(perf.build());
    const Aggregated stream = run(perf.build_pipe());
    REQUIRE(times(stream.profile) == times(file.profile));
    CHECK(stream.comms == file.comms);
    for (std::size_t i = 0; i < file.profile.timeline.size(); ++i) {
        REQUIRE(stream.profile.timeline[i].period == file.profile.timeline[i].period);
        REQUIRE(stream.profile.timeline[i].cpu == file.profile.timeline[i].cpu);
    }
}

TEST_CASE("samples that are filtered out are not in the timeline") {
    PerfBuilder perf = start();
    perf.sample({.ip = 0x400010, .pid = 7, .tid = 7, .time = 10});
    perf.sample({.ip = 0x400010, .pid = 7, .tid = 8, .time = 11});
    AggregateOptions options;
    options.filter.tids = {{8, 8}};
    CHECK(times(run(perf.build(), options).profile) == std::vector<std::uint64_t>{11});
}

TEST_CASE("an event that only counts along has what it counted in the timeline") {
    PerfBuilder perf;
    for (const std::uint64_t id : {100u, 200u}) {
        EventAttr attr = event_with_cpu(id);
        attr.sample_type |= format::sample_read;
        attr.read_format = format::read_group | format::read_id;
        perf.add_event(attr);
    }
    perf.comm({7, 7, 1}, "prog", test::exec);
    const auto sample = [&](std::uint64_t time, std::uint64_t leader, std::uint64_t member) {
        perf.sample({.ip = 1,
                     .pid = 7,
                     .tid = 7,
                     .time = time,
                     .cpu = 1,
                     .read = {2, leader, 100, member, 200}});
    };
    sample(10, 50, 5);
    sample(20, 80, 5);  // the member counted nothing: no sample
    sample(30, 90, 9);
    const Profile profile = run(perf.build()).profile;
    const Timeline& timeline = profile.timeline;
    REQUIRE(times(profile) == std::vector<std::uint64_t>{10, 10, 20, 30, 30});
    std::vector<std::uint64_t> periods;
    for (const TimelineSample& one : timeline) periods.push_back(one.period);
    CHECK(periods == std::vector<std::uint64_t>{50, 5, 30, 10, 4});
    CHECK(timeline[1].event == 1);
    CHECK(timeline[4].cpu == 1);
    CHECK(timeline[4].tid == Tid{7});
}

TEST_CASE("there is no timeline unless it is asked for") {
    const TempFile path(large_recording().build());
    Diagnostics diagnostics;
    const Result<PerfFile> file = PerfFile::open(path.path(), diagnostics);
    REQUIRE(file.has_value());
    Result<Scan> scan = file->scan(diagnostics);
    REQUIRE(scan.has_value());
    NoModules modules;
    const Result<Profile> profile = aggregate(*file, *scan, modules, {}, diagnostics);
    REQUIRE(profile.has_value());
    CHECK(profile->timeline.empty());
    CHECK(profile->sample_count != 0);
}

TEST_CASE("switches of all threads are noted, also where samples are not selected") {
    EventAttr tracepoint = event_with_cpu(300);
    tracepoint.type = format::type_tracepoint;
    tracepoint.config = 314;
    tracepoint.sample_type |= format::sample_raw;
    tracepoint.name = "sched:sched_switch";
    PerfBuilder perf;
    perf.add_event(event_with_cpu(100));
    perf.add_event(tracepoint);
    perf.event_names();
    perf.comm({7, 7, 1}, "prog", test::exec);
    test::Bytes payload;
    payload.u16(314).u16(0).i32(7).padded_text("previous thread").i32(7).i32(120).u64(1);
    payload.padded_text("the next thread").i32(8).i32(120).zeros(4);
    perf.sample({.ip = 1, .pid = 7, .tid = 7, .time = 20, .raw = payload.data()}, 1);
    perf.sample({.ip = 1, .pid = 7, .tid = 7, .time = 21, .raw = std::vector<std::byte>(68)}, 1);
    perf.kernel_record(format::record_switch, format::misc_switch_out, {}, {7, 9, 15});
    perf.kernel_record(format::record_switch, 0, {}, {7, 9, 30});
    perf.fork({7, 10, 31}, 7, 7);
    perf.exit({7, 10, 40});
    AggregateOptions options;
    options.switches = true;
    options.filter.tids = {{1000, 1000}};
    using Kind = ThreadSwitch::Kind;
    for (const auto& file : {perf.build(), perf.build_pipe()}) {
        const Profile profile = run(file, options).profile;
        CHECK(profile.timeline.empty());
        CHECK(profile.filtered_samples == 2);
        CHECK(profile.unread_switches == 1);
        CHECK(profile.end == TimestampNs{40});
        std::vector<std::tuple<std::uint64_t, Tid, Kind>> got;
        for (const ThreadSwitch& one : profile.switches) {
            got.emplace_back(one.when.time, one.tid, one.kind);
        }
        const decltype(got) expected = {
            {15, Tid{9}, Kind::blocked}, {20, Tid{7}, Kind::blocked},  {20, Tid{8}, Kind::in},
            {30, Tid{9}, Kind::in},      {31, Tid{10}, Kind::started}, {40, Tid{10}, Kind::ended},
        };
        CHECK(got == expected);
        CHECK(run(file).profile.switches.empty());
    }
}
