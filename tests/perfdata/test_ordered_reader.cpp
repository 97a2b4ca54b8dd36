#include "perfdata/ordered_reader.h"

#include <doctest/doctest.h>

#include "perfdata/format.h"
#include "support/perf_builder.h"

using namespace fgread;
using namespace fgread::test;

namespace {

struct Seen {
    std::vector<std::uint64_t> times;         // of the samples, as they came
    std::vector<std::string> paths;           // what was mapped at each one's ip
    std::vector<std::uint32_t> record_types;  // of all records
    Diagnostics diagnostics;
};

Seen read(const PerfBuilder& perf) {
    Seen seen;
    const std::vector<std::byte> bytes = perf.build();
    const auto file = PerfFile::open_memory(bytes, "x.data", seen.diagnostics);
    REQUIRE(file.has_value());
    OrderedReader reader(*file, seen.diagnostics);
    while (const auto item = reader.next()) {
        seen.record_types.push_back(item->record.type);
        if (item->record.type != format::record_sample) continue;
        const auto sample = file->decode_sample(item->record, seen.diagnostics);
        REQUIRE(sample.has_value());
        seen.times.push_back(sample->sample.time.value);
        const ProcessTable& processes = reader.processes();
        const ProcessAt process = processes.process_at(sample->sample.pid, item->when);
        const MappingId id = process.user->find(sample->sample.ip, item->when);
        const MappingTable& mappings = processes.mappings();
        seen.paths.push_back(id ? mappings.image(mappings.mapping(id).image).path : "");
    }
    CHECK_FALSE(reader.next().has_value());
    return seen;
}

using Times = std::vector<std::uint64_t>;
using Paths = std::vector<std::string>;

}  // namespace

TEST_CASE("samples of two CPUs come in the order of their times") {
    PerfBuilder perf;
    perf.add_event(cpu_clock_event());
    for (const std::uint64_t time : {10U, 30U, 50U})
        perf.sample({.pid = 7, .tid = 7, .time = time});
    for (const std::uint64_t time : {20U, 40U}) perf.sample({.pid = 7, .tid = 7, .time = time});
    perf.finished_round();
    for (const std::uint64_t time : {70U, 90U}) perf.sample({.pid = 7, .tid = 7, .time = time});
    for (const std::uint64_t time : {45U, 80U}) perf.sample({.pid = 7, .tid = 7, .time = time});
    perf.finished_round();
    const Seen seen = read(perf);
    CHECK(seen.times == Times{10, 20, 30, 40, 45, 50, 70, 80, 90});
    CHECK(seen.record_types.size() == 11);
    CHECK(seen.diagnostics[Problem::late_record].count == 0);
}

TEST_CASE("each sample sees the mappings of its moment") {
    PerfBuilder perf;
    perf.add_event(cpu_clock_event());
    perf.sample({.ip = 0x1000, .pid = 7, .tid = 7, .time = 15});
    perf.sample({.ip = 0x1000, .pid = 7, .tid = 7, .time = 25});
    perf.mmap2({.pid = 7, .time = 20}, {.start = 0x1000, .path = "/new"});
    perf.mmap2({.pid = 7, .time = 0}, {.start = 0x1000, .path = "/old"});
    CHECK(read(perf).paths == Paths{"/old", "/new"});
}

TEST_CASE("a recording without times comes in the order of the file") {
    PerfBuilder perf;
    EventAttr event = cpu_clock_event();
    event.flags = 0;  // no sample_id_all: other records have no time
    perf.add_event(event);
    perf.mmap2({.pid = 7}, {.start = 0x1000, .path = "/old"});
    perf.sample({.ip = 0x1000, .pid = 7, .tid = 7, .time = 30});
    perf.mmap2({.pid = 7}, {.start = 0x1000, .path = "/new"});
    perf.sample({.ip = 0x1000, .pid = 7, .tid = 7, .time = 20});
    const Seen seen = read(perf);
    CHECK(seen.times == Times{30, 20});
    CHECK(seen.paths == Paths{"/old", "/new"});
}

TEST_CASE("a late record is delivered and counted") {
    PerfBuilder perf;
    perf.add_event(cpu_clock_event());
    perf.sample({.time = 50});
    perf.finished_round();
    perf.sample({.time = 60});
    perf.finished_round();
    perf.sample({.time = 10});
    const Seen seen = read(perf);
    CHECK(seen.times == Times{50, 10, 60});
    CHECK(seen.diagnostics[Problem::late_record].count == 1);
    CHECK_FALSE(seen.diagnostics.input_damaged());
}

TEST_CASE("build-ids of the table reach the images") {
    PerfBuilder perf;
    perf.add_event(cpu_clock_event());
    perf.build_id("/x", {1, 2, 3, 4});
    perf.mmap2({.pid = 7, .time = 1}, {.start = 0x1000, .path = "/x"});
    Diagnostics diagnostics;
    const std::vector<std::byte> bytes = perf.build();
    const auto file = PerfFile::open_memory(bytes, "x.data", diagnostics);
    OrderedReader reader(*file, diagnostics);
    while (reader.next()) {
    }
    REQUIRE(reader.processes().mappings().image_count() == 1);
    CHECK(reader.processes().mappings().image(ImageId{0}).build_id.hex() == "01020304");
}

TEST_CASE("what lies before damage is delivered, in order") {
    PerfBuilder perf;
    perf.add_event(cpu_clock_event());
    perf.sample({.time = 2});
    perf.sample({.time = 1});
    perf.raw_bytes(Bytes().zeros(64));
    const Seen seen = read(perf);
    CHECK(seen.times == Times{1, 2});
    CHECK(seen.diagnostics[Problem::record_size_invalid].count == 1);
}
