#include <doctest/doctest.h>

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "perfdata/format.h"
#include "support/cfi_builder.h"
#include "support/perf_builder.h"
#include "tests/collapse/aggregated.h"
#include "tests/collapse/profile_compare.h"
#include "tests/collapse/random.h"
#include "tests/collapse/temp_file.h"

using namespace fgread;
using namespace fgread::testing;

namespace {

// The frames of a stack below its root, root first, as offsets.
std::vector<std::uint64_t> offsets(const Profile& profile, StackId stack) {
    std::vector<std::uint64_t> out;
    for (StackId at = stack; profile.stacks[at].parent != no_stack;
         at = profile.stacks[at].parent) {
        out.insert(out.begin(), profile.frames[profile.stacks[at].label].offset);
    }
    return out;
}

std::vector<std::uint64_t> only_stack(const Profile& profile) {
    REQUIRE(profile.weights.size() == 1);
    return offsets(profile, profile.weights[0].stack);
}

std::uint64_t stopped(const Profile& profile, StopReason reason) {
    return profile.stop_reasons[static_cast<std::size_t>(reason)];
}

}  // namespace

TEST_CASE("a user stack is walked from its registers and its copy") {
    PerfBuilder perf = start({test::dwarf_event()});
    perf.sample(stack_sample(10, prog_start + 0x10, {prog_start + 0x20, prog_start + 0x30, 0}));
    const Aggregated got = run(perf);
    CHECK(only_stack(got.profile) ==
          std::vector<std::uint64_t>{prog_start + 0x30, prog_start + 0x20, prog_start + 0x10});
    CHECK(got.profile.frame_count == 3);
    CHECK(stopped(got.profile, StopReason::complete) == 1);
    CHECK(got.profile.stops.empty());
    CHECK(got.profile.frames.size() == 3);
    const Frame& leaf = got.profile.frames[got.profile.stacks[3].label];
    CHECK(leaf.kind == FrameKind::exact);
    CHECK(got.profile.frames[got.profile.stacks[1].label].kind == FrameKind::return_address);
}

TEST_CASE("the user part of the recorded chain is not added to a walked stack") {
    PerfBuilder perf = start({test::dwarf_event()});
    SampleFields sample = stack_sample(10, prog_start + 0x10, {0});
    sample.callchain = {format::context_user, prog_start + 0x10, prog_start + 0x50};
    perf.sample(sample);
    CHECK(only_stack(run(perf).profile) == std::vector<std::uint64_t>{prog_start + 0x10});
}

TEST_CASE("a stack longer than its copy is truncated in the module of its last frame") {
    PerfBuilder perf = start({test::dwarf_event()});
    perf.sample(stack_sample(10, prog_start + 0x10, {prog_start + 0x20}));
    const Profile profile = run(perf).profile;
    CHECK(stopped(profile, StopReason::truncated) == 1);
    REQUIRE(profile.stops.size() == 1);
    CHECK(profile.stops[0].reason == StopReason::truncated);
    CHECK(profile.stops[0].module.value != 0);
}

TEST_CASE("a cut stack is marked at its root if that is asked for, a whole one never") {
    PerfBuilder perf = start({test::dwarf_event()});
    perf.sample(stack_sample(10, prog_start + 0x10, {prog_start + 0x20}));
    perf.sample(stack_sample(11, prog_start + 0x10, {prog_start + 0x30, 0}));
    AggregateOptions options;
    options.mark_truncated = true;
    const Profile profile = run(perf, options).profile;
    REQUIRE(profile.weights.size() == 2);
    CHECK(offsets(profile, profile.weights[0].stack) ==
          std::vector<std::uint64_t>{truncated_mark.offset, prog_start + 0x20, prog_start + 0x10});
    CHECK(offsets(profile, profile.weights[1].stack) ==
          std::vector<std::uint64_t>{prog_start + 0x30, prog_start + 0x10});
    CHECK(profile.frame_count == 4);  // the mark is none

    options.hide_user = true;
    for (const StackWeight& weight : run(perf, options).profile.weights) {
        CHECK(profile.stacks[weight.stack].parent == no_stack);
    }
}

TEST_CASE("a complete stack of a thread tells how deep its cut ones are") {
    PerfBuilder perf = start({test::dwarf_event()});
    perf.sample(stack_sample(10, prog_start + 0x10, {prog_start + 0x20}));
    SampleFields outer = stack_sample(11, prog_start + 0x10, {prog_start + 0x20, 0});
    outer.user_regs[sp_register] += 9000;
    perf.sample(outer);
    AggregateOptions options;
    CHECK(run(perf, options).profile.depths.complete_count() == 0);
    options.stack_depths = true;
    const DepthStats depths = run(perf, options).profile.depths;
    CHECK(depths.complete[1] == 1);
    CHECK(depths.cut[9] == 1);  // 9008 bytes
    CHECK(depths.cut_unknown == 0);
}

TEST_CASE("kernel frames stand on top of the walked user frames") {
    PerfBuilder perf = start({test::dwarf_event()});
    SampleFields sample = stack_sample(10, prog_start + 0x10, {prog_start + 0x20, 0});
    sample.mode = CpuMode::kernel;
    sample.ip = kernel_start + 0x100;
    sample.callchain = {format::context_kernel, kernel_start + 0x100, kernel_start + 0x200};
    perf.sample(sample);
    const TempFile file(perf.build());
    CHECK(only_stack(run(file.path()).profile) ==
          std::vector<std::uint64_t>{prog_start + 0x20, prog_start + 0x10, kernel_start + 0x200,
                                     kernel_start + 0x100});
    AggregateOptions options;
    options.hide_kernel = true;
    CHECK(only_stack(run(file.path(), options).profile) ==
          std::vector<std::uint64_t>{prog_start + 0x20, prog_start + 0x10});
    options.hide_user = true;
    const Profile nothing = run(file.path(), options).profile;
    CHECK(only_stack(nothing).empty());
    CHECK(nothing.sample_count == 1);
    CHECK(nothing.frame_count == 0);
}

TEST_CASE("a chain that the kernel recorded is taken as it is") {
    EventAttr event = test::cpu_clock_event();
    event.sample_type |= format::sample_callchain;
    PerfBuilder perf = start({event});
    SampleFields sample;
    sample.pid = sample.tid = 7;
    sample.time = 10;
    sample.ip = kernel_start + 1;
    sample.mode = CpuMode::kernel;
    sample.callchain = {format::context_kernel, kernel_start + 1,  kernel_start + 2,
                        format::context_user,   prog_start + 0x10, prog_start + 0x20};
    perf.sample(sample);
    const Profile profile = run(perf).profile;
    CHECK(only_stack(profile) == std::vector<std::uint64_t>{prog_start + 0x20, prog_start + 0x10,
                                                            kernel_start + 2, kernel_start + 1});
    CHECK(stopped(profile, StopReason::recorded) == 1);
    CHECK(profile.stops.empty());
    // The first address of each context was executing, the others are return addresses.
    CHECK(profile.frames[profile.stacks[1].label].kind == FrameKind::return_address);
    CHECK(profile.frames[profile.stacks[2].label].kind == FrameKind::exact);
    CHECK(profile.frames[profile.stacks[3].label].kind == FrameKind::return_address);
    CHECK(profile.frames[profile.stacks[4].label].kind == FrameKind::exact);
}

TEST_CASE("branch records of calls are the user part of a stack, from the calls themselves") {
    EventAttr event = test::cpu_clock_event();
    event.sample_type |= format::sample_callchain | format::sample_branch_stack;
    event.branch_sample_type = format::branch_call_stack;
    SampleFields sample;
    sample.pid = sample.tid = 7;
    sample.time = 10;
    sample.ip = kernel_start + 1;
    sample.mode = CpuMode::kernel;
    sample.callchain = {format::context_kernel, kernel_start + 1, format::context_user,
                        prog_start + 0x10, prog_start + 0x20};
    sample.branches = {prog_start + 0x100, prog_start + 0x200, 0,  // innermost call
                       prog_start + 0x300, prog_start + 0xf0,  0};
    const auto stack = [&](CallGraph kind) {
        PerfBuilder perf = start({event});
        perf.sample(sample);
        AggregateOptions options;
        options.call_graph = kind;
        return only_stack(run(perf, options).profile);
    };
    using Stack = std::vector<std::uint64_t>;
    const Stack by_branches = {prog_start + 0x300, prog_start + 0x100, prog_start + 0x200,
                               kernel_start + 1};
    CHECK(stack(CallGraph::automatic) == by_branches);
    CHECK(stack(CallGraph::lbr) == by_branches);
    const Stack by_pointers = {prog_start + 0x20, prog_start + 0x10, kernel_start + 1};
    CHECK(stack(CallGraph::frame_pointers) == by_pointers);
    CHECK(stack(CallGraph::dwarf) == Stack{kernel_start + 1});
    CHECK(stack(CallGraph::none) == Stack{kernel_start + 1});
    event.branch_sample_type = 0;  // branches that are no calls
    CHECK(stack(CallGraph::automatic) == by_pointers);
    event.branch_sample_type = format::branch_call_stack;
    sample.callchain = {format::context_kernel, kernel_start + 1};  // a kernel thread
    CHECK(stack(CallGraph::automatic) == Stack{kernel_start + 1});
}

TEST_CASE("--call-graph chooses between a copy of the stack and the recorded chain") {
    PerfBuilder perf = start({test::dwarf_event()});
    SampleFields sample = stack_sample(10, prog_start + 0x10, {prog_start + 0x20, 0});
    sample.callchain = {format::context_user, prog_start + 0x10, prog_start + 0x50};
    perf.sample(sample);
    AggregateOptions options;
    using Stack = std::vector<std::uint64_t>;
    options.call_graph = CallGraph::frame_pointers;
    CHECK(only_stack(run(perf, options).profile) == Stack{prog_start + 0x50, prog_start + 0x10});
    options.call_graph = CallGraph::dwarf;
    CHECK(only_stack(run(perf, options).profile) == Stack{prog_start + 0x20, prog_start + 0x10});
    options.call_graph = CallGraph::none;
    const Profile leaf = run(perf, options).profile;
    CHECK(leaf.frame_count == 1);
    CHECK(stopped(leaf, StopReason::no_registers) == 1);
}

TEST_CASE("the cookie of a deferred chain is not an address") {
    EventAttr event = test::cpu_clock_event();
    event.sample_type |= format::sample_callchain;
    PerfBuilder perf = start({event});
    SampleFields sample;
    sample.pid = sample.tid = 7;
    sample.time = 10;
    sample.mode = CpuMode::kernel;
    sample.callchain = {format::context_kernel, kernel_start + 1, format::context_user_deferred,
                        prog_start + 0x10};
    perf.sample(sample);
    CHECK(only_stack(run(perf).profile) == std::vector<std::uint64_t>{kernel_start + 1});
}

TEST_CASE("frames of a context that is none of ours are left out of a chain") {
    EventAttr event = test::cpu_clock_event();
    event.sample_type |= format::sample_callchain;
    PerfBuilder perf = start({event});
    SampleFields sample;
    sample.pid = sample.tid = 7;
    sample.time = 10;
    sample.callchain = {format::context_guest_kernel, 1, 2, format::context_user, prog_start,
                        format::context_first_marker, 3};
    perf.sample(sample);
    CHECK(only_stack(run(perf).profile) == std::vector<std::uint64_t>{prog_start});
}

TEST_CASE("a sample without a chain is its instruction pointer") {
    PerfBuilder perf = start({test::cpu_clock_event()});
    SampleFields sample;
    sample.pid = sample.tid = 7;
    sample.ip = prog_start + 5;
    sample.time = 10;
    perf.sample(sample);
    CHECK(only_stack(run(perf).profile) == std::vector<std::uint64_t>{prog_start + 5});
    sample.mode = CpuMode::kernel;
    sample.ip = kernel_start + 5;
    PerfBuilder in_kernel = start({test::cpu_clock_event()});
    in_kernel.sample(sample);
    CHECK(only_stack(run(in_kernel).profile) == std::vector<std::uint64_t>{kernel_start + 5});
}

TEST_CASE("addresses in no module are one frame, or many if asked for") {
    PerfBuilder perf = start({test::cpu_clock_event()});
    SampleFields sample;
    sample.pid = sample.tid = 7;
    sample.time = 10;
    for (sample.ip = 1; sample.ip < 6; ++sample.ip) perf.sample(sample);
    const TempFile file(perf.build());
    const Profile one = run(file.path()).profile;
    CHECK(only_stack(one) == std::vector<std::uint64_t>{0});
    CHECK(one.weights[0].samples == 5);
    AggregateOptions options;
    options.unknown_addresses = true;
    CHECK(run(file.path(), options).profile.weights.size() == 5);
}

TEST_CASE("a walked stack of an architecture that is not known is its leaf") {
    PerfBuilder perf = start({test::dwarf_event()});
    perf.feature(format::feature_arch, test::Bytes().string_field("mips64"));
    SampleFields sample = stack_sample(10, prog_start + 0x10, {prog_start + 0x20, 0});
    SUBCASE("without a recorded chain") {
        sample.callchain = {};
        perf.sample(sample);
        const Profile profile = run(perf).profile;
        CHECK(only_stack(profile) == std::vector<std::uint64_t>{prog_start + 0x10});
        CHECK(stopped(profile, StopReason::unsupported_abi) == 1);
    }
    SUBCASE("or the chain that the kernel recorded beside it") {
        sample.callchain = {format::context_user, prog_start + 0x10, prog_start + 0x50};
        perf.sample(sample);
        const Profile profile = run(perf).profile;
        CHECK(only_stack(profile) ==
              std::vector<std::uint64_t>{prog_start + 0x50, prog_start + 0x10});
        CHECK(stopped(profile, StopReason::recorded) == 1);
        CHECK(profile.chain_frames == 2);

        AggregateOptions options;
        options.limits.frame_pointers = false;
        CHECK(stopped(run(perf, options).profile, StopReason::unsupported_abi) == 1);
    }
}

TEST_CASE("samples of guests are counted and left out") {
    PerfBuilder perf = start({test::dwarf_event()});
    SampleFields sample = stack_sample(10, prog_start + 0x10, {0});
    perf.sample(sample);
    sample.mode = CpuMode::guest_user;
    perf.sample(sample);
    sample.mode = CpuMode::guest_kernel;
    perf.sample(sample);
    const Profile profile = run(perf).profile;
    CHECK(profile.sample_count == 1);
    CHECK(profile.guest_samples == 2);
    CHECK(profile.events[0].samples == 1);
}

TEST_CASE("samples that cannot be decoded are counted and left out, with their place") {
    EventAttr second = test::dwarf_event();
    second.ids = {200};  // with one event alone, every id is its
    PerfBuilder perf = start({test::dwarf_event(), second});
    perf.sample(stack_sample(10, prog_start + 0x10, {0}));
    const std::uint64_t unknown_at = perf.next_offset();
    SampleFields stranger = stack_sample(11, prog_start + 0x10, {0});
    stranger.id = 424242;
    perf.sample(stranger);
    const std::uint64_t short_at = perf.next_offset();
    test::Bytes half = test::sample_body(test::dwarf_event(), stack_sample(12, prog_start, {0}));
    perf.record(format::record_sample, 2, test::Bytes().raw(ByteView(half.data()).first(64)));
    perf.sample(stack_sample(13, prog_start + 0x10, {0}));
    const Aggregated got = run(perf);
    CHECK(got.profile.sample_count == 2);
    CHECK(got.diagnostics[Problem::record_unknown_id].count == 1);
    CHECK(got.diagnostics[Problem::record_unknown_id].first_offset == unknown_at);
    CHECK(got.diagnostics[Problem::sample_malformed].count == 1);
    CHECK(got.diagnostics[Problem::sample_malformed].first_offset == short_at);
}

TEST_CASE("groups look only at what was asked for") {
    PerfBuilder perf = start({test::dwarf_event()});
    perf.comm({7, 8, 3}, "prog");
    SampleFields sample = stack_sample(10, prog_start + 0x10, {0});
    perf.sample(sample);
    sample.tid = 8;
    perf.sample(sample);
    const TempFile file(perf.build());
    AggregateOptions options;
    Profile profile = run(file.path(), options).profile;
    REQUIRE(profile.groups.size() == 1);
    CHECK(profile.groups[0].pid == Pid{});
    options.group_by = {GroupBy::pid};
    profile = run(file.path(), options).profile;
    REQUIRE(profile.groups.size() == 1);
    CHECK(profile.groups[0].pid == Pid{7});
    CHECK(profile.groups[0].tid == Tid{});
    options.group_by = {GroupBy::tid};
    profile = run(file.path(), options).profile;
    REQUIRE(profile.groups.size() == 2);
    CHECK(profile.groups[1].tid == Tid{8});
}

TEST_CASE("a recording without samples gives an empty profile") {
    const Profile profile = run(start({test::dwarf_event()})).profile;
    CHECK(profile.sample_count == 0);
    CHECK(profile.events.size() == 1);
    CHECK(profile.weights.empty());
}

TEST_CASE("a large recording: no sample and no weight is lost, for any number of threads") {
    std::uint64_t samples = 0;
    std::uint64_t period = 0;
    const TempFile file(large_recording(samples, period));
    AggregateOptions options;
    options.jobs = 1;
    const Profile expected = run(file.path(), options).profile;
    CHECK(expected.sample_count == samples);
    std::uint64_t weight_samples = 0;
    std::uint64_t weight_period = 0;
    for (const StackWeight& weight : expected.weights) {
        weight_samples += weight.samples;
        weight_period += weight.period;
    }
    CHECK(weight_samples == samples);
    CHECK(weight_period == period);
    CHECK(expected.events[0].period + expected.events[1].period == period);
    std::uint64_t reasons = 0;
    for (const std::uint64_t count : expected.stop_reasons) reasons += count;
    CHECK(reasons == samples);
    CHECK(expected.groups.size() == 3);
    for (const unsigned jobs : {2u, 3u, 4u, 16u, 0u}) {
        options.jobs = jobs;
        check_equal(run(file.path(), options).profile, expected);
    }
}

TEST_CASE("workers that begin new tables again and again change nothing") {
    std::uint64_t samples = 0;
    std::uint64_t period = 0;
    const TempFile file(large_recording(samples, period));
    AggregateOptions options;
    options.jobs = 1;
    const Profile expected = run(file.path(), options).profile;
    for (const std::uint64_t bytes : {1u, 200'000u}) {
        options.max_worker_tables = bytes;
        for (const unsigned jobs : {1u, 3u}) {
            options.jobs = jobs;
            check_equal(run(file.path(), options).profile, expected);
        }
    }
}

TEST_CASE("a process that has outgrown its limit reads no further") {
    std::uint64_t samples = 0;
    std::uint64_t period = 0;
    const TempFile file(large_recording(samples, period));
    Diagnostics diagnostics;
    const Result<PerfFile> opened = PerfFile::open(file.path(), diagnostics);
    REQUIRE(opened.has_value());
    Result<Scan> scan = opened->scan(diagnostics);
    REQUIRE(scan.has_value());
    PushNothing modules;
    AggregateOptions options;
    options.max_memory = MemoryLimit(std::uint64_t{1} << 20);
    for (const unsigned jobs : {1u, 4u}) {
        options.jobs = jobs;
        const Result<Profile> profile = aggregate(*opened, *scan, modules, options, diagnostics);
        REQUIRE_FALSE(profile.has_value());
        CHECK(profile.error().kind == ErrorKind::limit);
        CHECK(profile.error().message.find("more than the 1 MiB") != std::string::npos);
    }
}

TEST_CASE("a file that shrinks between the passes ends early and does no harm") {
    std::uint64_t samples = 0;
    std::uint64_t period = 0;
    const TempFile file(large_recording(samples, period));
    Diagnostics diagnostics;
    const Result<PerfFile> opened = PerfFile::open(file.path(), diagnostics);
    REQUIRE(opened.has_value());
    Result<Scan> scan = opened->scan(diagnostics);
    REQUIRE(scan.has_value());
    REQUIRE(scan->chunks.size() > 2);
    REQUIRE(truncate(file.path().c_str(),
                     static_cast<off_t>(scan->chunks[1].offset + scan->chunks[1].size / 2)) == 0);
    PushNothing modules;
    AggregateOptions options;
    options.jobs = 4;
    const Result<Profile> profile = aggregate(*opened, *scan, modules, options, diagnostics);
    if (profile) {
        CHECK(profile->sample_count < samples);
        CHECK(profile->sample_count > 0);
        CHECK(diagnostics.input_damaged());
    } else {
        CHECK_FALSE(profile.error().message.empty());
    }
}

TEST_CASE("progress adds up to the file and its samples, packed or not") {
    PerfBuilder perf = start({test::dwarf_event()});
    for (std::uint64_t i = 0; i < 5'000; ++i) {
        perf.sample(stack_sample(10 + i, prog_start + 0x10, {prog_start + 0x20, 0}));
    }
    PerfBuilder packed = perf;
    packed.compress(4096, format::record_compressed2);
    const auto last_progress = [](const std::vector<std::byte>& bytes) {
        std::mutex mutex;
        Progress last;
        AggregateOptions options;
        options.progress = [&](const Progress& progress) {
            const std::lock_guard lock(mutex);
            if (progress.samples >= last.samples) last = progress;
        };
        run(TempFile(bytes).path(), options);
        return last;
    };
    for (const std::vector<std::byte>& bytes : {perf.build(), packed.build(), perf.build_pipe()}) {
        const Progress last = last_progress(bytes);
        CHECK(last.samples == 5'000);
        CHECK(last.total == bytes.size());
        CHECK(last.done <= last.total);
        CHECK(last.done + 1'000 > last.total);  // all but header and features
    }
}
