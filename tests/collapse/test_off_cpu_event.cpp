// perf record --off-cpu: how long threads did not run, and where.
#include <doctest/doctest.h>

#include "perfdata/format.h"
#include "support/perf_builder.h"
#include "tests/collapse/folded_recording.h"

using namespace fgread;
using fgread::test::Bytes;
using fgread::test::PerfBuilder;
using fgread::testing::fold_bytes;

namespace {

constexpr std::uint64_t fields = format::sample_identifier | format::sample_ip |
                                 format::sample_tid | format::sample_time | format::sample_period;

EventAttr off_cpu_event(std::uint64_t sample_type) {
    EventAttr attr = test::cpu_clock_event();
    attr.type = format::type_software;
    attr.config = format::software_bpf_output;
    attr.sample_type = sample_type;
    attr.ids = {200};
    attr.name = "offcpu-time";
    return attr;
}

// cpu-clock and off-CPU time; pid 7 is "prog" and has a thread 8.
PerfBuilder start(std::uint64_t off_cpu_fields) {
    PerfBuilder perf;
    EventAttr clock = test::cpu_clock_event();
    clock.name = "cpu-clock";
    perf.add_event(clock);
    perf.add_event(off_cpu_event(off_cpu_fields));
    perf.event_names();
    perf.comm({7, 7, 1}, "prog", test::exec);
    perf.fork({7, 8, 2}, 7, 7);
    perf.sample({.ip = 0x10, .pid = 7, .tid = 7, .time = 1000, .period = 4});
    perf.sample({.ip = 0x20, .pid = 7, .tid = 7, .time = 2000, .period = 4});
    return perf;
}

void add_payload(PerfBuilder& perf, std::uint64_t time, std::uint32_t low, std::uint32_t high,
                 std::uint64_t ns, CpuMode mode) {
    const Bytes payload = Bytes()
                              .u32(low)
                              .u32(high)
                              .u64(ns)
                              .u64(3)
                              .u64(format::context_user)
                              .u64(0x1000)
                              .u64(0x2000)
                              .u64(1);
    // The sample itself is of whoever ran next.
    perf.sample({.ip = 0xffffffff81000000,
                 .pid = 99,
                 .tid = 99,
                 .time = time,
                 .raw = payload.data(),
                 .mode = mode},
                1);
}

FoldOptions off_cpu_only() {
    FoldOptions options;
    options.event = "offcpu-time";
    options.aggregate.group_by = {GroupBy::tid};
    return options;
}

}  // namespace

TEST_CASE("off-CPU samples of perf 6.16 and later: nanoseconds and stack are in the payload") {
    PerfBuilder perf = start(fields | format::sample_raw);
    // Written by the BPF program: thread before process.
    add_payload(perf, 1500, 8, 7, 600'000'000, CpuMode::kernel);
    // Written by perf at its end: process before thread, and no time.
    add_payload(perf, format::off_cpu_first_time, 7, 8, 5'000, CpuMode::user);
    add_payload(perf, format::off_cpu_first_time + 1, 7, 7, 300, CpuMode::user);
    for (const auto& bytes : {perf.build(), perf.build_pipe()}) {
        const auto folded = fold_bytes(bytes, off_cpu_only());
        CHECK(folded.text ==
              "prog-7/7;[0x1fff];[0x1000] 300\n"
              "prog-7/8;[0x1fff];[0x1000] 600005000\n");
        CHECK(folded.stats.events.at(1).samples == 3);
    }
}

TEST_CASE("off-CPU samples of perf 6.0 to 6.15 are plain samples") {
    PerfBuilder perf = start(fields | format::sample_callchain);
    perf.sample({.ip = 0x1000,
                 .pid = 7,
                 .tid = 8,
                 .time = format::off_cpu_first_time,
                 .period = 5'000,
                 .callchain = {format::context_user, 0x1000, 0x2000}},
                1);
    CHECK(fold_bytes(perf.build(), off_cpu_only()).text == "prog-7/8;[0x1fff];[0x1000] 5000\n");
}

TEST_CASE("--off-cpu folds perf's own off-CPU event, which need not be named") {
    PerfBuilder payloads = start(fields | format::sample_raw);
    add_payload(payloads, 1500, 8, 7, 600'000'000, CpuMode::kernel);
    add_payload(payloads, format::off_cpu_first_time, 7, 8, 5'000, CpuMode::user);
    PerfBuilder plain = start(fields | format::sample_callchain);
    for (const std::uint64_t period : {std::uint64_t{600'000'000}, std::uint64_t{5'000}}) {
        plain.sample({.ip = 0x1000,
                      .pid = 7,
                      .tid = 8,
                      .time = format::off_cpu_first_time + period,
                      .period = period,
                      .callchain = {format::context_user, 0x1000, 0x2000}},
                     1);
    }
    FoldOptions options = off_cpu_only();
    options.event.clear();
    options.time = TimeKind::off_cpu;
    for (const auto& bytes :
         {payloads.build(), payloads.build_pipe(), plain.build(), plain.build_pipe()}) {
        const auto folded = fold_bytes(bytes, options);
        CHECK(folded.text == "prog-7/8;[0x1fff];[0x1000] 600005000\n");
        CHECK(folded.stats.events.at(1).folded);
        CHECK_FALSE(folded.stats.events.at(0).folded);
    }
}

TEST_CASE("off-CPU samples without a time are not when the recording ended") {
    PerfBuilder perf = start(fields | format::sample_raw);
    add_payload(perf, format::off_cpu_first_time, 7, 8, 5'000, CpuMode::user);
    // As perf writes it, which takes the last sample's.
    perf.feature(format::feature_sample_time, Bytes().u64(1000).u64(format::off_cpu_first_time));
    FoldOptions options;
    options.event = "*";
    options.aggregate.filter.times = *parse_time_spans("50%-100%");
    CHECK(fold_bytes(perf.build(), options).text == "prog;[0x20] 4\n");
}
