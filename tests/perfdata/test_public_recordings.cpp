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
    // Both ways of reading see the same.
    Diagnostics scan_diagnostics;
    const auto scan = file->scan(scan_diagnostics);
    REQUIRE(scan.has_value());
    CHECK(scan->sample_count == totals.samples);
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
