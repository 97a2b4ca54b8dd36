#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "collapse/fold_stats.h"
#include "support/json.h"

using namespace fgread;
using fgread::test::Json;

namespace {

// Modules 1 and 2 are files that do not exist.
struct Modules {
    MappingTable table;
    ModuleCache cache{table, ModuleSources{}};
    ModuleId one = add("/nonexistent/one");
    ModuleId two = add("/nonexistent/two");

    ModuleId add(const std::string& path) {
        Image image;
        image.path = path;
        image.build_id.bytes = {0xab, 0xcd};
        return cache
            .resolve(table.intern(Mapping{Avma{0x1000}, Avma{0x9000}, 0, table.intern(image)}))
            .module;
    }
};

StackId add(Profile& profile, const std::vector<Frame>& frames) {
    StackId stack = profile.stacks.root(0);
    for (const Frame& frame : frames) {
        stack = profile.stacks.child(stack, profile.frames.intern(frame));
    }
    return stack;
}

std::vector<ModuleStats> stats_of(const Profile& profile, ModuleCache& modules,
                                  FoldStats* whole = nullptr) {
    Symbolizer symbolizer(modules, {});
    const FrameNames names = name_frames(profile.frames, symbolizer, {});
    FoldStats stats;
    stats.commands.fold = {"fgread", "x.data"};
    add_module_stats(profile, names, modules, true, stats);
    if (whole != nullptr) *whole = stats;
    return stats.modules;
}

FoldStats example() {
    FoldStats stats;
    stats.file_bytes = 1000;
    stats.records = 20;
    stats.samples = 4;
    stats.processes = 2;
    stats.frames = 9;
    stats.distinct_frames = 5;
    stats.distinct_stacks = 3;
    stats.stop_reasons[static_cast<std::size_t>(StopReason::complete)] = 3;
    stats.stop_reasons[static_cast<std::size_t>(StopReason::truncated)] = 1;
    stats.events = {{"cycles", 4, 400, true}, {"faults", 1, 2, false}};
    ModuleStats module;
    module.path = "/bin/prog";
    module.state = "mismatch";
    module.recorded_build_id = "aa";
    module.file_build_id = "bb";
    module.file = "/bin/prog";
    module.samples = 4;
    module.stopped = 1;
    stats.modules = {module};
    stats.diagnostics.add(Problem::sample_malformed, 77, "what");
    return stats;
}

}  // namespace

TEST_CASE("a sample counts once for each module on its stack") {
    Modules modules;
    Profile profile;
    const Frame in_one{modules.one, FrameKind::exact, 1};
    const Frame deeper_in_one{modules.one, FrameKind::exact, 2};
    const Frame in_two{modules.two, FrameKind::exact, 1};
    profile.weights.push_back({add(profile, {in_one, in_two, deeper_in_one}), 0, 10, 0});
    profile.weights.push_back({add(profile, {in_one}), 0, 5, 0});
    profile.weights.push_back({add(profile, {in_one}), 1, 2, 0});
    profile.stops.push_back({modules.two, StopReason::truncated, 3});
    profile.stops.push_back({modules.two, StopReason::no_cfi, 1});
    const std::vector<ModuleStats> stats = stats_of(profile, modules.cache);
    REQUIRE(stats.size() == 2);
    CHECK(stats[0].path == "/nonexistent/one");
    CHECK(stats[0].samples == 17);
    CHECK(stats[0].stopped == 0);
    CHECK(stats[0].state == "missing");
    CHECK(stats[0].recorded_build_id == "abcd");
    CHECK(stats[1].path == "/nonexistent/two");
    CHECK(stats[1].samples == 10);
    CHECK(stats[1].stopped == 4);
}

TEST_CASE("samples with unnamed frames are counted once for each module, and why is said") {
    Modules modules;
    Profile profile;
    const Frame in_one{modules.one, FrameKind::exact, 1};
    const Frame in_two{modules.two, FrameKind::exact, 1};
    profile.weights.push_back({add(profile, {in_one, in_two, in_one}), 0, 10, 0});
    profile.weights.push_back({add(profile, {Frame{}}), 0, 5, 0});
    FoldStats whole;
    const std::vector<ModuleStats> stats = stats_of(profile, modules.cache, &whole);
    CHECK(whole.unnamed_samples == 15);
    REQUIRE(stats.size() == 3);
    CHECK(stats[0].unnamed == 10);
    CHECK(stats[0].why == "file_missing");
    CHECK(stats[0].command == "fgread x.data --symfs=DIR");
    CHECK(stats[1].unnamed == 10);
    CHECK(stats[2].unnamed == 5);
    CHECK(stats[2].why == "unmapped");
    CHECK(stats[2].remedy.empty());
    const std::string text = stats_text(whole);
    CHECK(text.find("10   without a name: file not found") != std::string::npos);
    CHECK(text.find("remedy: give the recorded file") != std::string::npos);
    CHECK(text.find("\n                 fgread x.data --symfs=DIR\n") != std::string::npos);
    const Json json = Json::parse(stats_json(whole));
    CHECK(json["unnamed_samples"] == 15);
    CHECK(json["modules"][0]["unnamed"] == 10);
    CHECK(json["modules"][0]["why"] == "file_missing");
    CHECK(json["modules"][0]["command"] == "fgread x.data --symfs=DIR");
}

TEST_CASE("the mark of cut stacks is in no module") {
    Modules modules;
    Profile profile;
    const Frame in_one{modules.one, FrameKind::exact, 1};
    profile.weights.push_back({add(profile, {truncated_mark, in_one}), 0, 10, 0});
    profile.stops.push_back({modules.one, StopReason::truncated, 7});
    profile.stops.push_back({modules.one, StopReason::no_cfi, 2});
    const std::vector<ModuleStats> stats = stats_of(profile, modules.cache);
    REQUIRE(stats.size() == 1);
    CHECK(stats[0].samples == 10);
    CHECK(stats[0].stopped == 9);
    CHECK(stats[0].truncated == 7);
    CHECK(stats[0].no_cfi == 2);
}

TEST_CASE("modules without samples are not listed, addresses in none are [unknown]") {
    Modules modules;
    Profile profile;
    profile.weights.push_back({add(profile, {Frame{}}), 0, 3, 0});
    const std::vector<ModuleStats> stats = stats_of(profile, modules.cache);
    REQUIRE(stats.size() == 1);
    CHECK(stats[0].path == "[unknown]");
    CHECK(stats[0].state == "unmapped");
    CHECK(stats[0].samples == 3);
}

TEST_CASE("a stack without frames counts for no module") {
    Modules modules;
    Profile profile;
    profile.weights.push_back({profile.stacks.root(0), 0, 3, 0});
    CHECK(stats_of(profile, modules.cache).empty());
}

TEST_CASE("the statistics for people name what was folded, what was not, and what was wrong") {
    const std::string text = stats_text(example());
    for (const char* part :
         {"1000 bytes", "20 records", "4 in 2 processes", "9, 5 distinct", "3 distinct stacks",
          "cycles: 4 samples", "faults: 1 sample", "(not folded)", "75.0 %", "25.0 %", "truncated",
          "/bin/prog", "mismatch", "build-id aa", "bb", "sample_malformed: 1"}) {
        CAPTURE(part);
        CHECK(text.find(part) != std::string::npos);
    }
    CHECK(text.find("lost") == std::string::npos);
    CHECK(text.find("guest") == std::string::npos);
    CHECK(text.find("no_cfi") == std::string::npos);
}

TEST_CASE("lost events and guests are named if there are any") {
    FoldStats stats = example();
    stats.lost_events = 12;
    stats.guest_samples = 34;
    const std::string text = stats_text(stats);
    CHECK(text.find("12 events lost") != std::string::npos);
    CHECK(text.find("34 of guests left out") != std::string::npos);
}

TEST_CASE("statistics of nothing divide by nothing") {
    const std::string text = stats_text(FoldStats{});
    CHECK(text.find("nan") == std::string::npos);
    CHECK(text.find("samples  0") != std::string::npos);
}

TEST_CASE("no path of a recording reaches the terminal as a command") {
    FoldStats stats = example();
    stats.modules[0].path = "/bin/\x1b[31m\nevil";
    stats.modules[0].file = "/x\x07";
    stats.events[0].name = "ev\x1b]0;t";
    const std::string text = stats_text(stats);
    CHECK(std::none_of(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) < 32 && c != '\n') || c == 127;
    }));
    CHECK(text.find("/bin/\\x1b[31m\\x0aevil") != std::string::npos);
}

TEST_CASE("the JSON holds every counter under its key") {
    const Json json = Json::parse(stats_json(example()));
    CHECK(json["file_bytes"] == 1000);
    CHECK(json["records"] == 20);
    CHECK(json["samples"] == 4);
    CHECK(json["processes"] == 2);
    CHECK(json["distinct_stacks"] == 3);
    CHECK(json["stop_reasons"].size() == stop_reason_count);
    CHECK(json["stop_reasons"]["truncated"] == 1);
    CHECK(json["problems"].size() == problem_count);
    CHECK(json["problems"]["sample_malformed"]["first_offset"] == 77);
    CHECK(json["problems"]["sample_malformed"]["first_detail"] == "what");
    CHECK(json["events"][1]["folded"] == false);
    CHECK(json["modules"][0]["state"] == "mismatch");
    CHECK(json["input"]["whole"] == true);
    CHECK(json["input"]["unread_bytes"] == 0);
    CHECK_FALSE(json.contains("kernel"));
}

TEST_CASE("the JSON of paths that are no UTF-8 is JSON") {
    FoldStats stats = example();
    stats.modules[0].path = "/bin/\xff\xfe\"\\\n\x01";
    const Json json = Json::parse(stats_json(stats));
    CHECK(json["modules"][0]["path"].string().starts_with("/bin/"));
}
