#include <doctest/doctest.h>

#include <string>

#include "collapse/quality_report.h"
#include "collapse/remedies.h"
#include "support/json.h"

using namespace fgread;
using fgread::test::Json;

namespace {

void end(FoldStats& stats, StopReason reason, std::uint64_t samples) {
    stats.stop_reasons[static_cast<std::size_t>(reason)] += samples;
    stats.samples += samples;
}

// 100 stacks in dumps of 8 KiB, 30 of them cut: 26 need 16 KiB, 4 are of unknown depth.
FoldStats example() {
    FoldStats stats;
    stats.dump_bytes = 8192;
    end(stats, StopReason::complete, 70);
    end(stats, StopReason::truncated, 30);
    end(stats, StopReason::no_registers, 50);
    stats.depths.complete[2] = 70;
    stats.depths.cut[16] = 26;
    stats.depths.cut_unknown = 4;
    ModuleStats missing;
    missing.path = "/opt/libgone.so";
    missing.state = "missing";
    missing.samples = 25;
    missing.unnamed = 20;
    missing.why_text = "file not found";
    missing.why = "file_missing";
    missing.remedy = "give the file";
    missing.command = "fgread x.data --symfs=DIR";
    stats.modules = {missing};
    return stats;
}

bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("samples without a user stack do not count as incomplete, chains count as complete") {
    FoldStats stats = example();
    CHECK(completeness(stats).stacks == 100);
    CHECK(completeness(stats).percent() == doctest::Approx(70.0));
    end(stats, StopReason::recorded, 100);
    CHECK(completeness(stats).percent() == doctest::Approx(85.0));
    CHECK(completeness(FoldStats{}).percent() == doctest::Approx(100.0));
}

TEST_CASE(
    "of a recording without call graphs no stack is complete, and the report says what to do") {
    FoldStats stats;
    end(stats, StopReason::no_registers, 44);
    stats.has_call_graphs = false;
    CHECK(completeness(stats).percent() == doctest::Approx(0.0));
    CHECK(has(report_text(stats), "\n                perf record --call-graph dwarf -- COMMAND\n"));
}

TEST_CASE("the report says which dump would have been enough, and what is not known") {
    const std::string text = report_text(example());
    for (const char* part :
         {"70 of 100 user stacks complete (70.0 %)", "half of them up to 2048 bytes",
          "30.0 % were cut at 8192 bytes", "dwarf,16384 would hold at least  96.0 %",
          "4.0 % were cut and are of unknown depth",
          "\n                perf record --call-graph dwarf,16384 -- COMMAND\n",
          "/opt/libgone.so: file not found", "libgone.so: give the file\n",
          "\n                fgread x.data --symfs=DIR\n"}) {
        CAPTURE(part);
        CHECK(has(text, part));
    }
    CHECK_FALSE(has(text, "events lost"));
}

TEST_CASE("without a complete stack no dump size is promised, the largest is advised") {
    FoldStats stats;
    stats.dump_bytes = 4096;
    end(stats, StopReason::truncated, 10);
    stats.depths.cut_unknown = 10;
    const std::string text = report_text(stats);
    CHECK_FALSE(has(text, "would hold"));
    CHECK(has(text, "no stack of their threads is complete"));
    CHECK(advised_dump_bytes(stats) == max_dump_bytes);
    stats.dump_bytes = max_dump_bytes;
    CHECK(has(report_text(stats), "a larger dump is not possible"));
    CHECK(has(report_text(stats), "perf record --call-graph fp -- COMMAND"));
}

TEST_CASE("dump sizes double up to the largest there is") {
    CHECK(larger_dumps(8192) == std::vector<std::uint32_t>{16384, 32768, 65528});
    CHECK(larger_dumps(65528).empty());
    CHECK(larger_dumps(0).empty());
    CHECK(larger_dumps(0xffff'fff8).empty());
}

TEST_CASE("the remedies that help the most samples come first, equal ones as one") {
    FoldStats stats = example();
    stats.modules.push_back(stats.modules[0]);
    stats.modules[1].path = "/opt/libtoo.so";
    stats.lost_events = 1000;
    ModuleStats assembly;
    assembly.path = assembly.file = "/opt/libasm.so";
    assembly.no_cfi = assembly.stopped = 5;
    stats.modules.push_back(assembly);
    const std::vector<Remedy> all = best_remedies(stats, 10);
    REQUIRE(all.size() == 4);
    CHECK(all[0].what == "events lost while recording");
    CHECK(all[1].samples == 40);
    CHECK(all[1].what == "file not found in libgone.so, libtoo.so");
    CHECK(all[2].samples == 30);
    CHECK(all[3].what == "no call-frame information in libasm.so");
    CHECK(has(all[3].action, "-fasynchronous-unwind-tables"));
    CHECK(best_remedies(stats, 3).size() == 3);
}

TEST_CASE("remedies are the recorded command with one thing changed, in one line") {
    FoldStats stats = example();
    stats.lost_events = 1000;
    stats.commands = {{"fgread", "x.data"},
                      {"/usr/bin/perf", "record", "-g", "-F", "999", "--", "./my prog", "$1"}};
    std::vector<Remedy> all = best_remedies(stats, 10);
    REQUIRE(all.size() == 3);
    CHECK(all[0].command == "perf record -g -F 999 -m 64M -- './my prog' '$1'");
    CHECK(all[1].command == "perf record -F 999 --call-graph dwarf,16384 -- './my prog' '$1'");
    // Larger ones were not enough.
    stats.commands.record.insert(stats.commands.record.begin() + 2, {"-m", "64M"});
    all = best_remedies(stats, 10);
    CHECK(all[0].command == "perf record -m 64M -g -F 499 -- './my prog' '$1'");
}

TEST_CASE("a file that perf switched to lacks what children had mapped before, and -a brings it") {
    FoldStats stats;
    end(stats, StopReason::no_mapping, 171);
    stats.commands.record = {"perf", "record", "--switch-output=1s", "--", "sh", "-c", "./sw 3"};
    const std::vector<Remedy> all = best_remedies(stats, 10);
    REQUIRE(all.size() == 1);
    CHECK(all[0].samples == 171);
    CHECK(has(all[0].what, "--switch-output"));
    CHECK(all[0].command == "perf record --switch-output=1s -a -- sh -c './sw 3'");
    // Of these the advice would not be true.
    for (const char* option : {"-a", "--all-cpus", "--pid=7", "--tail-synthesize"}) {
        CAPTURE(option);
        FoldStats other = stats;
        other.commands.record.insert(other.commands.record.begin() + 2, option);
        CHECK(best_remedies(other, 10).empty());
    }
    stats.commands.record = {"perf", "record", "--", "sh", "-c", "./sw 3"};
    CHECK(best_remedies(stats, 10).empty());
}

TEST_CASE("code of a JIT without rules: its frame pointers, and when they are believed a jitdump") {
    FoldStats stats;
    end(stats, StopReason::no_cfi, 9);
    ModuleStats code;
    code.path = "//anon";
    code.no_cfi = code.stopped = 9;
    stats.modules = {code};
    stats.commands = {{"fgread", "x.data"}, {"perf", "record", "-g", "node", "x.js"}};
    CHECK(best_remedies(stats, 1)[0].command == "fgread x.data --trust-frame-pointers");
    stats.commands.fold.emplace_back("--trust-frame-pointers");
    CHECK(best_remedies(stats, 1)[0].command == "perf record -g -k mono -- node --perf-prof x.js");
}

TEST_CASE("nothing to say of a recording where nothing is lost") {
    FoldStats stats;
    stats.dump_bytes = 8192;
    end(stats, StopReason::complete, 10);
    stats.depths.complete[1] = 10;
    const std::string text = report_text(stats);
    CHECK(has(text, "10 of 10 user stacks complete (100.0 %)"));
    CHECK_FALSE(has(text, "what to do"));
    CHECK_FALSE(has(text, "modules"));
}

TEST_CASE("no path of a recording reaches the terminal by the report") {
    FoldStats stats = example();
    stats.modules[0].path = "/opt/\x1b[31m\nevil";
    stats.modules[0].no_cfi = stats.modules[0].stopped = 3;
    const std::string text = report_text(stats);
    CHECK_FALSE(has(text, "\x1b"));
    CHECK(has(text, "\\x1b[31m\\x0aevil"));
}

TEST_CASE("the JSON report is the statistics and what they mean") {
    const Json json = Json::parse(report_json(example()));
    CHECK(json["samples"] == 150);
    CHECK(json["modules"][0]["no_cfi"] == 0);
    const Json report = json["report"];
    CHECK(report["stacks"] == 100);
    CHECK(report["complete"] == 70);
    CHECK(report["depth"]["dump_bytes"] == 8192);
    CHECK(report["depth"]["advised_bytes"] == 16384);
    CHECK(report["depth"]["cut_unknown"] == 4);
    CHECK(report["depth"]["complete_needed"][0]["bytes"] == 2048);
    CHECK(report["depth"]["would_hold"][0]["samples"] == 96);
    CHECK(report["remedies"][0]["samples"] == 30);
    CHECK(report["remedies"][0]["command"] == "perf record --call-graph dwarf,16384 -- COMMAND");
}
