// fixtures/public: totals as perf script gives them (see the README there).
#include <doctest/doctest.h>

#include <string>

#include "perfdata/format.h"
#include "perfdata/ordered_reader.h"

using namespace fgread;

namespace {

struct Totals {
    std::uint64_t samples = 0;
    std::vector<std::uint64_t> periods;  // by event
    std::vector<std::string> names;
    std::uint64_t unmapped = 0;  // samples whose ip lies in no mapping
    bool ordered = true;
    Diagnostics diagnostics;
};

Totals read(const std::string& name) {
    Totals totals;
    const auto file =
        PerfFile::open(std::string(FIXTURES_DIR) + "/public/" + name, totals.diagnostics);
    REQUIRE(file.has_value());
    totals.periods.resize(file->attrs().size());
    for (const EventAttr& attr : file->attrs()) totals.names.push_back(attr.name);
    EventTime last;
    OrderedReader reader(*file, totals.diagnostics);
    while (const auto item = reader.next()) {
        if (item->record.type != format::record_sample) continue;
        const auto sample = file->decode_sample(item->record, totals.diagnostics);
        REQUIRE(sample.has_value());
        ++totals.samples;
        totals.periods[sample->attr_index] += sample->sample.period;
        if (item->when < last) totals.ordered = false;
        last = item->when;
        const ProcessTable& processes = reader.processes();
        const bool kernel = item->record.cpu_mode() == CpuMode::kernel;
        const AddressSpace& space =
            kernel ? processes.kernel()
                   : *processes.process_at(sample->sample.pid, item->when).user;
        if (!space.find(sample->sample.ip, item->when)) ++totals.unmapped;
    }
    // Both ways of reading see the same; a pipe is opened anew.
    Diagnostics others;
    const auto again = PerfFile::open(file->path(), others);
    auto scan = again->scan(others);
    REQUIRE(scan.has_value());
    while (again->next_batch(*scan, others)) continue;
    CHECK(scan->sample_count == totals.samples);
    CHECK(others.input_damaged() == totals.diagnostics.input_damaged());
    return totals;
}

}  // namespace

TEST_CASE("q-singleprocess-3.4: six events, attrs of 80 bytes") {
    const Totals totals = read("q-singleprocess-3.4.data");
    CHECK(totals.samples == 77);
    CHECK(totals.periods.size() == 6);
    CHECK(totals.periods[0] == 2143535);
    CHECK(totals.names[0] == "cycles");
    CHECK(totals.names[5] == "branch-misses");
    CHECK(totals.unmapped == 0);
    CHECK(totals.ordered);
    CHECK_FALSE(totals.diagnostics.input_damaged());
}

TEST_CASE("q-callgraph-3.4: many processes") {
    const Totals totals = read("q-callgraph-3.4.data");
    CHECK(totals.samples == 1548);
    CHECK(totals.periods[0] == 1628001751);
    CHECK(totals.unmapped == 0);
    CHECK(totals.ordered);
    CHECK_FALSE(totals.diagnostics.input_damaged());
}

TEST_CASE("lpd-sleep: attrs of 136 bytes, another architecture") {
    const Totals totals = read("lpd-sleep.data");
    CHECK(totals.samples == 7);
    CHECK(totals.names[0] == "cycles:Pu");
    CHECK(totals.ordered);
    CHECK_FALSE(totals.diagnostics.input_damaged());
}

TEST_CASE("every public recording has the samples its README says") {
    struct Expected {
        std::string name;
        std::uint64_t samples;
        std::uint64_t period;  // of the first event that has samples; 0: not known
    };
    for (const Expected& expected : std::initializer_list<Expected>{
             {"lpd-sleep.compressed.data", 8, 0},
             {"lpd-sleep.compressed.pipe.data", 8, 2171147},
             {"lpd-sleep.compressed2.data", 7, 0},
             {"off-bad_eh_frame_hdr_arm64.perf.data", 1, 0},
             {"off-empty_arm64.perf.data", 1, 0},
             {"off-straddle_arm64.perf.data", 1, 0},
             {"q-branch-4.14.data", 13, 0},
             {"q-ctx_switch_namespaces-4.14.data", 2, 0},
             {"q-group_desc-4.14.data", 13, 0},
             {"q-hybrid_topology.data", 7, 0},
             {"q-i686-3.4.data", 703, 264438523},
             {"q-lost_samples-4.4.data", 191, 0},
             {"q-piped.header_features-4.16.data", 2, 0},
             {"q-piped.header_features_aligned-6.12.data", 9, 780008},
             {"q-piped.target.throttled-3.4.data", 228, 0},
             {"sp-perf_merge1.data", 27, 0},
             {"sp-perf_no_unwind.data", 8, 0},
             {"sp-perf_test_max_stack.data", 121, 0},
             {"sp-perf_with_two_event_types.data", 10, 0},
         }) {
        CAPTURE(expected.name);
        const Totals totals = read(expected.name);
        CHECK(totals.samples == expected.samples);
        CHECK_FALSE(totals.diagnostics.input_damaged());
        for (const std::uint64_t period : totals.periods) {
            if (period == 0) continue;
            if (expected.period != 0) CHECK(period == expected.period);
            break;
        }
    }
}

TEST_CASE("q-piped.corrupted: a record of size 0 before the first sample") {
    const Totals totals = read("q-piped.corrupted.zero_size_sample-3.2.data");
    CHECK(totals.samples == 0);
    CHECK(totals.names == std::vector<std::string>{"cycles"});
    CHECK(totals.diagnostics[Problem::record_size_invalid].count == 1);
    CHECK(totals.diagnostics[Problem::record_size_invalid].first_offset == 49104);
}
