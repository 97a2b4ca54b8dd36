#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "collapse/fold.h"
#include "collapse/sample_survey.h"
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

// Folds it with its sections in every order there is, and tells what differs from the usual one.
void check_all_orders(PerfBuilder perf) {
    const Folded usual = fold(TempFile(perf.build()).path());
    CHECK(usual.text == "my_prog;[prog] 50\n");
    const auto usual_order = perf.order;
    std::size_t orders = 0;
    do {
        for (const std::size_t gap : {0U, 24U}) {
            CAPTURE(orders);
            CAPTURE(gap);
            perf.gap = gap;
            const Folded folded = fold(TempFile(perf.build()).path());
            CHECK(folded.text == usual.text);
            CHECK(folded.stats.events[1].name == "faults");
            CHECK(folded.stats.records == usual.stats.records);
            CHECK(folded.stats.coverage.is_whole());
            CHECK_FALSE(folded.stats.coverage.lost_features);
            CHECK(folded.stats.diagnostics[Problem::feature_malformed].count == 0);
            CHECK_FALSE(folded.stats.diagnostics.input_damaged());
        }
        ++orders;
    } while (std::next_permutation(perf.order.begin(), perf.order.end()));
    CHECK(perf.order == usual_order);
    CHECK(orders == 24);
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

TEST_CASE("several events are chosen by a list, each part of which must match") {
    CHECK(selected({"a", "b", "c"}, {1, 1, 1}, "a,c") == Bits{true, false, true});
    CHECK(selected({"a", "b", "c"}, {1, 1, 1}, "a,x") == Bits{false, false, false});
    CHECK(selected({"cpu/event=1,umask=2/", "b"}, {1, 1}, "b,cpu/event=1,umask=2/") ==
          Bits{true, true});
}

TEST_CASE("the halves of a hybrid CPU's event are one") {
    const std::vector<std::string> names = {"cpu_atom/cycles/u", "cpu_core/cycles/u",
                                            "cpu_core/instructions/"};
    CHECK(selected(names, {3, 4, 5}, "") == Bits{true, true, false});
    CHECK(selected(names, {0, 4, 5}, "") == Bits{true, true, false});
    CHECK(selected(names, {1, 1, 1}, "cycles:u") == Bits{true, true, false});
    CHECK(selected(names, {1, 1, 1}, "instructions") == Bits{false, false, true});
    CHECK(selected({"cpu_core/cycles", "cpu_core/"}, {1, 1}, "") == Bits{true, false});
    CHECK(selected({"cycles", "cycles"}, {1, 1}, "") == Bits{true, false});
}

TEST_CASE("only the samples the filter accepts are folded, and the others are counted") {
    const TempFile file(two_events().build());
    FoldOptions options;
    options.aggregate.filter.times = {*parse_time_spans("0.000000012,0.000000014")->begin()};
    Folded got = fold(file.path(), options);
    CHECK(got.text == "my_prog;[prog] 15\n");
    CHECK(got.stats.filtered_samples == 8);
    CHECK(got.stats.samples == 3);
    options.aggregate.filter.times = *parse_time_spans("0%-50%");  // of 10 to 30
    got = fold(file.path(), options);
    CHECK(got.text == "my_prog;[prog] 50\n");
    CHECK(got.stats.filtered_samples == 1);
    options.aggregate.filter = {};
    options.aggregate.filter.comms = {"my*"};
    CHECK(fold(file.path(), options).stats.samples == 11);
    options.aggregate.filter.comms = {"other"};
    CHECK(fold(file.path(), options).text.empty());
}

TEST_CASE("stacks grouped by event show all events") {
    const TempFile file(two_events().build());
    FoldOptions options;
    options.aggregate.group_by = {GroupBy::event, GroupBy::comm};
    CHECK(fold(file.path(), options).text == "cycles;my_prog;[prog] 50\nfaults;my_prog;[prog] 3\n");
    options.event = "faults";
    CHECK(fold(file.path(), options).text == "faults;my_prog;[prog] 3\n");
}

TEST_CASE("what the samples do not say cannot be asked for") {
    const TempFile file(two_events().build());
    FoldOptions options;
    options.aggregate.filter.cpus = {{0, 0}};
    const auto refusal = [&] {
        const auto stats =
            fold_recording(file.path(), options, [](std::string_view) { return true; });
        return stats ? std::string() : stats.error().message;
    };
    CHECK(refusal().find("--sample-cpu") != std::string::npos);
    options.aggregate.filter = {};
    options.aggregate.group_by = {GroupBy::cgroup};
    CHECK(refusal().find("--all-cgroups") != std::string::npos);
}

TEST_CASE("a control group has the path that its record gave it") {
    PerfBuilder perf;
    EventAttr attr = event("cycles", 100);
    attr.sample_type |= format::sample_cgroup | format::sample_cpu;
    perf.add_event(attr);
    perf.comm({7, 7, 1}, "prog", test::exec);
    test::Bytes cgroup;
    cgroup.u64(44).padded_text("/system.slice/my unit");
    perf.kernel_record(format::record_cgroup, 0, cgroup, {7, 7, 2});
    perf.sample({.ip = 1, .pid = 7, .tid = 7, .time = 3, .cpu = 2, .cgroup = 44});
    perf.sample({.ip = 1, .pid = 7, .tid = 7, .time = 4, .cpu = 3, .cgroup = 45});
    FoldOptions options;
    options.aggregate.group_by = {GroupBy::cgroup, GroupBy::cpu};
    const std::string expected =
        "/system.slice/my_unit;cpu2;[unknown] 1\ncgroup-45;cpu3;[unknown] 1\n";
    CHECK(fold(TempFile(perf.build()).path(), options).text == expected);
    CHECK(fold(TempFile(perf.build_pipe()).path(), options).text == expected);
    options.aggregate.filter.cpus = {{3, 8}};
    CHECK(fold(TempFile(perf.build()).path(), options).text == "cgroup-45;cpu3;[unknown] 1\n");
}

TEST_CASE("a sample of a group is one of each member, by what its counter counted") {
    PerfBuilder perf;
    for (const std::uint64_t id : {std::uint64_t{100}, std::uint64_t{200}}) {
        EventAttr attr = event(id == 100 ? "cycles" : "faults", id);
        attr.sample_type |= format::sample_read;
        attr.read_format = format::read_group | format::read_id | format::read_lost |
                           format::read_total_time_enabled;
        perf.add_event(attr);
    }
    perf.event_names();
    perf.comm({7, 7, 1}, "prog", test::exec);
    // nr, enabled, then value, id and lost of each member
    const auto sample = [&](std::uint64_t ip, std::uint64_t time, std::vector<std::uint64_t> read) {
        perf.sample({.ip = ip, .pid = 7, .tid = 7, .time = time, .read = std::move(read)});
    };
    perf.mmap2({7, 7, 1}, {.start = 0x1000, .length = 0x1000, .path = "/nonexistent/a"});
    perf.mmap2({7, 7, 1}, {.start = 0x3000, .length = 0x1000, .path = "/nonexistent/b"});
    sample(0x1000, 10, {2, 1, 1000, 100, 0, 3, 200, 0});
    sample(0x3000, 20, {2, 2, 1500, 100, 0, 3, 200, 0});
    sample(0x1000, 30, {2, 3, 1501, 100, 0, 13, 200, 0});
    for (const auto& bytes : {perf.build(), perf.build_pipe()}) {
        const TempFile file(bytes);
        FoldOptions options;
        options.aggregate.group_by = {GroupBy::event};
        Folded got = fold(file.path(), options);
        CHECK(got.text == "cycles;[a] 1001\ncycles;[b] 500\nfaults;[a] 13\n");
        CHECK(got.stats.samples == 3);
        CHECK(got.stats.events[0].samples == 3);
        CHECK(got.stats.events[1].samples == 2);
        CHECK(got.stats.events[1].period == 13);
        Diagnostics diagnostics;
        const auto opened = PerfFile::open(file.path(), diagnostics);
        auto scan = opened->scan(diagnostics);
        CHECK(survey_samples(*opened, *scan, diagnostics)->samples ==
              std::vector<std::uint64_t>{3, 2});
        // What a sample that is left out counted does not become the next one's.
        options.aggregate.filter.times = *parse_time_spans("0.00000003,");
        CHECK(fold(file.path(), options).text == "cycles;[a] 1\nfaults;[a] 10\n");
    }
}

TEST_CASE("a group's member that no event owns is counted as unknown") {
    PerfBuilder perf;
    EventAttr attr = event("cycles", 100);
    attr.sample_type |= format::sample_read;
    attr.read_format = format::read_group | format::read_id;
    perf.add_event(attr);
    perf.sample({.ip = 1, .pid = 7, .tid = 7, .time = 3, .read = {2, 5, 100, 6, 999}});
    perf.sample({.ip = 1, .pid = 7, .tid = 7, .time = 4, .read = {0}});
    const Folded got = fold(TempFile(perf.build()).path());
    CHECK(got.text == ":7;[unknown] 5\n");
    CHECK(got.stats.diagnostics[Problem::record_unknown_id].count == 1);
    CHECK(got.stats.diagnostics[Problem::sample_malformed].count == 1);
}

TEST_CASE("a counter read without a group weighs what it counted, by the sample's own id") {
    PerfBuilder perf;
    EventAttr attr = event("cycles", 100);
    attr.sample_type |= format::sample_read;
    perf.add_event(attr);
    perf.sample({.ip = 1, .pid = 7, .tid = 7, .time = 3, .period = 4, .read = {50}});
    perf.sample({.ip = 1, .pid = 7, .tid = 7, .time = 4, .period = 4, .read = {80}});
    CHECK(fold(TempFile(perf.build()).path()).text == ":7;[unknown] 80\n");
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

TEST_CASE("modules are not described where nobody will look at them") {
    const TempFile file(two_events().build());
    FoldOptions options;
    options.module_detail = ModuleDetail::never;
    const Folded got = fold(file.path(), options);
    CHECK(got.text == "my_prog;[prog] 50\n");
    CHECK(got.stats.modules.empty());
}

TEST_CASE("events, weights and groups follow the options") {
    const TempFile file(two_events().build());
    FoldOptions options;
    options.event = "faults";
    CHECK(fold(file.path(), options).text == "my_prog;[prog] 3\n");
    options.event = "*";
    CHECK(fold(file.path(), options).text == "my_prog;[prog] 53\n");
    options.weigh_by_samples = true;
    options.aggregate.group_by = {GroupBy::tid};
    CHECK(fold(file.path(), options).text == "my_prog-7/7;[prog] 11\n");
}

TEST_CASE("what was lost is a root of its own, if asked for, and weighs what the rest does") {
    PerfBuilder perf = two_events();
    perf.lost(4, 40);  // of the first event
    const TempFile file(perf.build());
    FoldOptions options;
    const Folded without = fold(file.path(), options);
    CHECK(without.text == "my_prog;[prog] 50\n");
    options.show_lost = true;
    const Folded folded = fold(file.path(), options);
    CHECK(folded.text == "[lost] 20\nmy_prog;[prog] 50\n");
    // The statistics are of what was recorded.
    CHECK(folded.stats.samples == 11);
    CHECK(folded.stats.events[0].period == 50);
    CHECK(folded.stats.events[0].lost == 4);
    CHECK(folded.stats.events[1].lost == 0);
    CHECK(folded.stats.distinct_stacks == without.stats.distinct_stacks);
    options.weigh_by_samples = true;
    options.aggregate.group_by = {GroupBy::event, GroupBy::comm};
    CHECK(fold(file.path(), options).text ==
          "cycles;[lost] 4\ncycles;my_prog;[prog] 10\nfaults;my_prog;[prog] 1\n");
}

TEST_CASE("a recording that lost all of its samples shows that") {
    PerfBuilder perf;
    perf.add_event(event("cycles", 100));
    perf.lost(4, 40);
    const TempFile file(perf.build());
    FoldOptions options;
    options.show_lost = true;
    CHECK(fold(file.path(), options).text == "[lost] 4000\n");
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

TEST_CASE("whoever wants to leave at the end is asked once, with the statistics") {
    const TempFile file(two_events().build());
    int calls = 0;
    const auto end = [&](const FoldStats& stats) {
        ++calls;
        CHECK(stats.samples == 11);
    };
    const auto write = [](const FoldedProfile&) {};
    CHECK(fold_recording(file.path(), {}, write, end));
    CHECK(calls == 1);
    CHECK_FALSE(fold_recording("/nonexistent/perf.data", {}, write, end));
    CHECK(calls == 1);
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

TEST_CASE("the sections of a recording stand in any order, with anything between them") {
    check_all_orders(two_events());
    const test::BigEndian big_endian;
    check_all_orders(two_events());
}

TEST_CASE("the sections of a compressed recording stand in any order") {
    PerfBuilder perf = two_events();
    perf.compress(100, format::record_compressed);
    check_all_orders(std::move(perf));
}
