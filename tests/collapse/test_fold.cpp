#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "collapse/fold.h"
#include "perfdata/format.h"
#include "support/perf_builder.h"
#include "tests/collapse/temp_file.h"

using namespace fgread;
using fgread::test::PerfBuilder;
using fgread::testing::TempFile;

namespace {

EventAttr event(const std::string& name, std::uint64_t id) {
    EventAttr attr = test::cpu_clock_event();
    attr.name = name;
    attr.ids = {id};
    return attr;
}

// "prog" of pid 7 with samples in a binary that does not exist.
PerfBuilder two_events() {
    PerfBuilder perf;
    perf.add_event(event("cycles", 100));
    perf.add_event(event("faults", 200));
    perf.event_names();
    perf.comm({7, 7, 1}, "my prog", test::exec);
    perf.mmap2({7, 7, 2}, {.start = 0x1000, .length = 0x1000, .path = "/nonexistent/prog"});
    for (std::uint64_t i = 0; i < 10; ++i) {
        perf.sample({.ip = 0x1100 + i, .pid = 7, .tid = 7, .time = 10 + i, .period = 5});
    }
    perf.sample({.ip = 0x1100, .pid = 7, .tid = 7, .time = 30, .period = 3}, 1);
    return perf;
}

struct Folded {
    std::string text;
    FoldStats stats;
};

Folded fold(const std::string& path, const FoldOptions& options = {}) {
    Folded out;
    const Result<FoldStats> stats = fold_recording(path, options, [&](std::string_view text) {
        out.text += text;
        return true;
    });
    REQUIRE(stats.has_value());
    out.stats = *stats;
    return out;
}

std::vector<bool> selected(const std::vector<std::string>& names,
                           const std::vector<std::uint64_t>& samples, const std::string& wanted) {
    std::vector<EventAttr> attrs;
    Profile profile;
    for (std::size_t i = 0; i < names.size(); ++i) {
        attrs.push_back(event(names[i], i));
        profile.events.push_back({samples[i], samples[i]});
    }
    return select_events(attrs, profile, wanted);
}

using Bits = std::vector<bool>;

}  // namespace

TEST_CASE("the event folded by default is the first that has samples") {
    CHECK(selected({"a", "b", "c"}, {0, 2, 3}, "") == Bits{false, true, false});
    CHECK(selected({"a", "b"}, {1, 2}, "") == Bits{true, false});
    CHECK(selected({"a", "b"}, {0, 0}, "") == Bits{false, false});
    CHECK(selected({}, {}, "").empty());
}

TEST_CASE("an event is chosen by name or by glob") {
    const std::vector<std::string> names = {"cycles:u", "sched:sched_switch", "sched:sched_wakeup"};
    CHECK(selected(names, {1, 1, 1}, "cycles:u") == Bits{true, false, false});
    CHECK(selected(names, {1, 1, 1}, "cycles") == Bits{false, false, false});
    CHECK(selected(names, {1, 1, 1}, "sched:*") == Bits{false, true, true});
    CHECK(selected(names, {1, 1, 1}, "*wakeup") == Bits{false, false, true});
    CHECK(selected(names, {0, 0, 0}, "sched:sched_switch") == Bits{false, true, false});
}

TEST_CASE("an event whose name looks like a glob is chosen by its name") {
    CHECK(selected({"probe:f[0]", "probe:f0"}, {1, 1}, "probe:f[0]") == Bits{true, true});
    CHECK(selected({"cpu/config=0x[1]/"}, {1}, "cpu/config=0x[1]/") == Bits{true});
}

TEST_CASE("a group label is the name with its blanks as _, then pid, then tid") {
    ProcessTable processes;
    CommView comm;
    comm.pid = Pid{7};
    comm.tid = Tid{8};
    comm.comm = "a b\tc";
    processes.apply(EventTime{1, 1}, comm);
    const Group group{processes.comm_at(Pid{7}, Tid{8}, EventTime{2, 2}), Pid{7}, Tid{8}};
    CHECK(group_label(group, GroupBy::comm, processes) == "a_b_c");
    CHECK(group_label(group, GroupBy::pid, processes) == "a_b_c-7");
    CHECK(group_label(group, GroupBy::tid, processes) == "a_b_c-7/8");
}

TEST_CASE("a recording is folded, with statistics") {
    const TempFile file(two_events().build());
    const Folded got = fold(file.path());
    CHECK(got.text == "my_prog;[prog] 50\n");
    CHECK(got.stats.samples == 11);
    CHECK(got.stats.distinct_stacks == 10);
    CHECK(got.stats.distinct_frames == 10);
    REQUIRE(got.stats.events.size() == 2);
    CHECK(got.stats.events[0].folded);
    CHECK(got.stats.events[0].period == 50);
    CHECK_FALSE(got.stats.events[1].folded);
    CHECK(got.stats.events[1].samples == 1);
    CHECK_FALSE(got.stats.diagnostics.input_damaged());
    REQUIRE(got.stats.modules.size() >= 1);
    CHECK(got.stats.modules[0].path == "/nonexistent/prog");
    CHECK(got.stats.modules[0].state == "missing");
}

TEST_CASE("events, weights and groups follow the options") {
    const TempFile file(two_events().build());
    FoldOptions options;
    options.event = "faults";
    CHECK(fold(file.path(), options).text == "my_prog;[prog] 3\n");
    options.event = "*";
    CHECK(fold(file.path(), options).text == "my_prog;[prog] 53\n");
    options.weigh_by_samples = true;
    options.aggregate.group_by = GroupBy::tid;
    CHECK(fold(file.path(), options).text == "my_prog-7/7;[prog] 11\n");
}

TEST_CASE("an event that is not there is an error that lists those that are") {
    const TempFile file(two_events().build());
    FoldOptions options;
    options.event = "instructions";
    const Result<FoldStats> stats =
        fold_recording(file.path(), options, [](std::string_view) { return true; });
    REQUIRE_FALSE(stats.has_value());
    CHECK(stats.error().message.find("instructions") != std::string::npos);
    CHECK(stats.error().message.find("cycles") != std::string::npos);
    CHECK(stats.error().message.find("faults") != std::string::npos);
}

TEST_CASE("what is no recording is an error that names the file") {
    for (const char* path : {"/nonexistent/perf.data", "/", "/dev/null"}) {
        CAPTURE(path);
        const Result<FoldStats> stats =
            fold_recording(path, {}, [](std::string_view) { return true; });
        REQUIRE_FALSE(stats.has_value());
        CHECK(stats.error().message.find(path) != std::string::npos);
    }
}

TEST_CASE("a sink that wants nothing does not keep the statistics from being made") {
    const TempFile file(two_events().build());
    const Result<FoldStats> stats =
        fold_recording(file.path(), {}, [](std::string_view) { return false; });
    REQUIRE(stats.has_value());
    CHECK(stats->samples == 11);
}

TEST_CASE("a recording whose recorder was killed is folded up to its end") {
    PerfBuilder perf = two_events();
    perf.closed = false;
    const TempFile file(perf.build());
    const Folded got = fold(file.path());
    CHECK(got.text == "my_prog;[prog] 50\n");
    CHECK(got.stats.diagnostics.input_damaged());
    CHECK(got.stats.diagnostics[Problem::file_not_finalised].count == 1);
}

TEST_CASE("what a recording says of its machine decides which files may be used") {
    PerfBuilder perf = two_events();
    perf.hostname("elsewhere");
    const TempFile file(perf.build());
    Diagnostics diagnostics;
    const Result<PerfFile> opened = PerfFile::open(file.path(), diagnostics);
    REQUIRE(opened.has_value());
    const ModuleSources sources = module_sources(*opened, "/mnt/root", "/tmp/kallsyms");
    CHECK(sources.hostname == "elsewhere");
    CHECK(sources.symfs == "/mnt/root");
    CHECK(sources.kallsyms == "/tmp/kallsyms");
    CHECK(sources.recorded_at_ns != 0);
}
