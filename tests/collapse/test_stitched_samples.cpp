// Stitching in a whole recording: which samples, events and counts it changes.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "collapse/aggregate.h"
#include "perfdata/format.h"
#include "support/perf_builder.h"
#include "tests/collapse/aggregated.h"
#include "tests/collapse/profile_compare.h"
#include "tests/collapse/random.h"
#include "tests/collapse/temp_file.h"

using namespace fgread;
using fgread::test::PerfBuilder;
using fgread::test::SampleFields;
using fgread::testing::check_equal;
using fgread::testing::PushNothing;
using fgread::testing::Random;
using fgread::testing::TempFile;

namespace {

constexpr std::uint64_t text = fgread::testing::prog_start;
constexpr std::uint64_t stack_top = 0x7ffc00000000;
constexpr std::size_t word = 8;
// Places of rsp and rip among the registers of mask 0xff0fff.
constexpr std::size_t sp_register = 7, ip_register = 8, register_count = 20;

PerfBuilder start(std::vector<EventAttr> events) {
    PerfBuilder perf;
    for (EventAttr& event : events) perf.add_event(std::move(event));
    perf.comm({7, 7, 1}, "prog", test::exec);
    perf.mmap2({7, 7, 2}, {.start = text, .length = 0x10000, .path = "/bin/prog"});
    return perf;
}

// Return addresses of a thread's calls, outermost first.
using Calls = std::vector<std::uint64_t>;

Calls calls(std::size_t depth) {
    Calls all;
    for (std::size_t i = 0; i < depth; ++i) all.push_back(text + 0x100 + i * 16);
    return all;
}

// A sample in the innermost of these calls, with so many words of the stack at the most.
SampleFields sample_of(const Calls& calls, std::uint64_t time, std::size_t words) {
    SampleFields sample;
    sample.ip = text + 5;
    sample.pid = sample.tid = 7;
    sample.time = time;
    sample.period = 1;
    sample.user_regs.assign(register_count, 0);
    sample.user_regs[sp_register] = stack_top - calls.size() * word;
    sample.user_regs[ip_register] = sample.ip;
    std::vector<std::uint64_t> stack(calls.rbegin(), calls.rend());
    stack.push_back(0);  // the start of the thread
    if (stack.size() > words) stack.resize(words);
    sample.user_stack = test::Bytes().words(stack).data();
    return sample;
}

Profile run(const std::vector<std::byte>& bytes, const AggregateOptions& options = {}) {
    const TempFile recording(bytes);
    Diagnostics diagnostics;
    const Result<PerfFile> file = PerfFile::open(recording.path(), diagnostics);
    REQUIRE(file.has_value());
    Result<Scan> scan = file->scan(diagnostics);
    REQUIRE(scan.has_value());
    PushNothing modules;
    Result<Profile> profile = aggregate(*file, *scan, modules, options, diagnostics);
    REQUIRE(profile.has_value());
    return std::move(*profile);
}

std::uint64_t stopped(const Profile& profile, StopReason reason) {
    return profile.stop_reasons[static_cast<std::size_t>(reason)];
}

// The offsets of a stack's frames, outermost first.
Calls frames_of(const Profile& profile, StackId stack) {
    Calls out;
    for (; profile.stacks[stack].parent != no_stack; stack = profile.stacks[stack].parent) {
        out.insert(out.begin(), profile.frames[profile.stacks[stack].label].offset);
    }
    return out;
}

Calls with_leaf(Calls calls) {
    calls.push_back(text + 5);
    return calls;
}

// 20 calls in a dump of 16 words, and samples of the 12 outermost of them.
PerfBuilder one_cut_stack(const EventAttr& event) {
    PerfBuilder perf = start({event});
    perf.sample(sample_of(calls(20), 10, 16));
    perf.sample(sample_of(calls(12), 11, 16));
    return perf;
}

// Some MiB of calls and returns, with dumps of 96 words.
PerfBuilder long_run() {
    PerfBuilder perf = start({test::dwarf_event(96 * word)});
    Random random(5);
    Calls now;
    for (std::uint64_t i = 0; i < 6'000; ++i) {
        now.resize(now.size() - random.below(static_cast<std::uint32_t>(now.size() / 4 + 1)));
        const std::size_t deeper = random.below(60);
        for (std::size_t n = 0; n < deeper && now.size() < 400; ++n) {
            now.push_back(text + 0x100 + random.below(0x4000));
        }
        perf.sample(sample_of(now, 10 + i, 96));
        if (i % 200 == 0) perf.finished_round();
    }
    return perf;
}

}  // namespace

TEST_CASE("a stitched stack is whole, and counted so") {
    const Profile profile = run(one_cut_stack(test::dwarf_event()).build());
    REQUIRE(profile.weights.size() == 2);
    CHECK(frames_of(profile, profile.weights[0].stack) == with_leaf(calls(20)));
    CHECK(frames_of(profile, profile.weights[1].stack) == with_leaf(calls(12)));
    CHECK(stopped(profile, StopReason::stitched) == 1);
    CHECK(stopped(profile, StopReason::complete) == 1);
    CHECK(stopped(profile, StopReason::truncated) == 0);
    CHECK(profile.stops.empty());
    CHECK(profile.stitched_frames == 4);
    CHECK(profile.longer_samples == 0);
    CHECK(profile.frame_count == 21 + 13);
}

TEST_CASE("without stitching a cut stack stays as it is") {
    AggregateOptions options;
    options.stitch = false;
    const Profile profile = run(one_cut_stack(test::dwarf_event()).build(), options);
    CHECK(frames_of(profile, profile.weights[0].stack).size() == 17);
    CHECK(stopped(profile, StopReason::truncated) == 1);
    CHECK(profile.stops.size() == 1);
    CHECK(profile.stitched_frames == 0);
}

TEST_CASE("what is longer and still cut keeps its mark") {
    PerfBuilder perf = start({test::dwarf_event()});
    perf.sample(sample_of(calls(40), 10, 16));
    perf.sample(sample_of(calls(30), 11, 16));
    AggregateOptions options;
    options.mark_truncated = true;
    Profile profile = run(perf.build(), options);
    CHECK(stopped(profile, StopReason::truncated) == 2);
    CHECK(profile.longer_samples == 1);
    REQUIRE(profile.weights.size() == 2);
    Calls longer = frames_of(profile, profile.weights[0].stack);
    CHECK(longer.size() == 1 + 17 + 10);
    CHECK(longer.front() == truncated_mark.offset);
    CHECK(longer[1] == calls(40)[14]);

    profile = run(one_cut_stack(test::dwarf_event()).build(), options);
    CHECK(frames_of(profile, profile.weights[0].stack) == with_leaf(calls(20)));
}

TEST_CASE("the counters of a group weigh the stitched stack") {
    EventAttr event = test::dwarf_event();
    event.sample_type |= format::sample_read;
    event.read_format = format::read_id;
    PerfBuilder perf = start({event});
    SampleFields cut = sample_of(calls(20), 10, 16);
    cut.read = {1000, event.ids.at(0)};
    SampleFields whole = sample_of(calls(12), 11, 16);
    whole.read = {1700, event.ids.at(0)};
    perf.sample(cut);
    perf.sample(whole);
    const Profile profile = run(perf.build());
    REQUIRE(profile.weights.size() == 2);
    CHECK(profile.weights[0].period == 1000);
    CHECK(frames_of(profile, profile.weights[0].stack) == with_leaf(calls(20)));
    CHECK(profile.weights[1].period == 700);
}

TEST_CASE("kernel frames stay on top of a stitched stack; without user frames there is none") {
    PerfBuilder perf = start({test::dwarf_event()});
    SampleFields cut = sample_of(calls(20), 10, 16);
    cut.mode = CpuMode::kernel;
    cut.callchain = {format::context_kernel, 0xffffffff81000010};
    perf.sample(cut);
    perf.sample(sample_of(calls(12), 11, 16));
    Calls frames = frames_of(run(perf.build()), run(perf.build()).weights[0].stack);
    REQUIRE(frames.size() == 22);
    frames.pop_back();
    CHECK(frames == with_leaf(calls(20)));
    AggregateOptions options;
    options.hide_user = true;
    const Profile profile = run(perf.build(), options);
    CHECK(profile.stitched_frames == 0);
    CHECK(stopped(profile, StopReason::truncated) == 1);
}

TEST_CASE("stitching is the same for every number of threads, for a file and a stream") {
    const PerfBuilder perf = long_run();
    const std::vector<std::byte> file = perf.build();
    const std::vector<std::byte> pipe = perf.build_pipe();
    AggregateOptions options;
    options.jobs = 1;
    const Profile expected = run(file, options);
    CHECK(stopped(expected, StopReason::stitched) > 20);
    CHECK(expected.longer_samples > 20);
    for (const unsigned jobs : {2u, 3u, 8u}) {
        options.jobs = jobs;
        check_equal(run(file, options), expected);
        check_equal(run(pipe, options), expected);
    }
    // Then each walk goes to its end, instead of to where it meets the one before.
    options.stack_depths = true;
    check_equal(run(file, options), expected);
}

// Two samples of a processor with 4 registers for its calls, in 4 and in 5 calls.
PerfBuilder full_branch_stack() {
    EventAttr event = test::cpu_clock_event();
    event.sample_type |= format::sample_callchain | format::sample_branch_stack;
    event.branch_sample_type = format::branch_call_stack | format::branch_hw_index;
    PerfBuilder perf = start({event});
    for (const std::uint64_t depth : {std::uint64_t{4}, std::uint64_t{5}}) {
        SampleFields sample{.ip = text + 5, .pid = 7, .tid = 7, .time = 10 + depth};
        sample.callchain = {format::context_user, text + 5};
        sample.newest_branch = depth % 4;
        for (std::uint64_t call = depth; call > depth - 4; --call) {
            const std::uint64_t from = text + 16 * call;
            sample.branches.insert(sample.branches.end(), {from, from + 256, 0});
        }
        perf.sample(sample);
    }
    test::Bytes capabilities;
    capabilities.u32(2).string_field("pmu_name").string_field("skylake");
    capabilities.string_field("branches").string_field("4");
    perf.feature(format::feature_cpu_pmu_caps, capabilities);
    return perf;
}

TEST_CASE("a full branch stack gets the calls outside of it from the sample before") {
    const std::vector<std::byte> bytes = full_branch_stack().build();
    const Profile whole = run(bytes);
    const Calls own = {text + 0x20, text + 0x30, text + 0x40, text + 0x50, text + 0x150};
    Calls expected = own;
    expected.insert(expected.begin(), text + 0x10);
    REQUIRE(whole.weights.size() == 2);
    CHECK(frames_of(whole, whole.weights[1].stack) == expected);
    CHECK(whole.stitched_frames == 1);
    CHECK(stopped(whole, StopReason::recorded) == 2);

    AggregateOptions options;
    options.stitch = false;
    const Profile cut = run(bytes, options);
    CHECK(frames_of(cut, cut.weights[1].stack) == own);
    CHECK(cut.stitched_frames == 0);
}
