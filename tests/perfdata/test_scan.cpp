#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "perfdata/format.h"
#include "perfdata/reader.h"
#include "support/perf_builder.h"

using namespace fgread;
using namespace fgread::test;

namespace {

struct Scanned {
    std::vector<std::byte> bytes;
    Diagnostics diagnostics;
    Result<PerfFile> file;
    Result<Scan> scan;
    explicit Scanned(const PerfBuilder& perf)
        : bytes(perf.build()),
          file(PerfFile::open_memory(bytes, "x.data", diagnostics)),
          scan(file->scan(diagnostics)) {}
};

// Samples by way of the chunks.
std::vector<std::pair<EventTime, PerfFile::AttrSample>> samples_of(Scanned& scanned,
                                                                   std::vector<std::byte>& buffer) {
    std::vector<std::pair<EventTime, PerfFile::AttrSample>> samples;
    for (const Chunk& chunk : scanned.scan->chunks) {
        const auto bytes = scanned.file->read_chunk(chunk, buffer);
        REQUIRE(bytes.has_value());
        RecordCursor records = scanned.file->records(chunk, *bytes);
        while (const auto record = records.next()) {
            if (record->type != format::record_sample) continue;
            const auto sample = scanned.file->decode_sample(*record, scanned.diagnostics);
            if (sample) samples.emplace_back(scanned.file->event_time(*record), *sample);
        }
        CHECK_FALSE(records.damaged());
    }
    return samples;
}

}  // namespace

TEST_CASE("the side-band is applied in the order of times, not of the file") {
    PerfBuilder perf;
    perf.add_event(cpu_clock_event());
    perf.mmap2({.pid = 7, .time = 30}, {.start = 0x1000, .path = "/new"});
    perf.mmap2({.pid = 7, .time = 10}, {.start = 0x1000, .path = "/old"});
    perf.comm({.pid = 7, .time = 5}, "x", exec);
    const Scanned scanned(perf);
    const ProcessTable& processes = scanned.scan->processes;
    const auto path_at = [&](std::uint64_t time) {
        const EventTime when{time, 99};
        const MappingId id = processes.process_at(Pid{7}, when).user->find(Avma{0x1000}, when);
        return id ? processes.mappings().image(processes.mappings().mapping(id).image).path
                  : std::string();
    };
    CHECK(path_at(20) == "/old");
    CHECK(path_at(30) == "/new");
    CHECK(path_at(7).empty());
}

TEST_CASE("times of 0 and ~0 come first, in the order of the file") {
    PerfBuilder perf;
    perf.add_event(cpu_clock_event());
    perf.mmap2({.pid = 7, .time = 5}, {.start = 0x1000, .path = "/five"});
    perf.mmap2({.pid = 7, .time = ~0ULL}, {.start = 0x1000, .path = "/first"});
    perf.mmap2({.pid = 7, .time = 0}, {.start = 0x1000, .path = "/second"});
    const Scanned scanned(perf);
    const ProcessTable& processes = scanned.scan->processes;
    const EventTime when{1, 0};
    const MappingId id = processes.process_at(Pid{7}, when).user->find(Avma{0x1000}, when);
    REQUIRE(id);
    CHECK(processes.mappings().image(processes.mappings().mapping(id).image).path == "/second");
}

TEST_CASE("without times the order is that of the file") {
    PerfBuilder perf;
    EventAttr event = cpu_clock_event();
    event.sample_type &= ~format::sample_time;
    perf.add_event(event);
    perf.mmap2({.pid = 7}, {.start = 0x1000, .path = "/old"});
    perf.sample({.ip = 0x1000, .pid = 7, .tid = 7});
    perf.mmap2({.pid = 7}, {.start = 0x1000, .path = "/new"});
    perf.sample({.ip = 0x1000, .pid = 7, .tid = 7});
    Scanned scanned(perf);
    CHECK_FALSE(scanned.file->has_times());
    std::vector<std::byte> buffer;
    std::vector<std::string> paths;
    const ProcessTable& processes = scanned.scan->processes;
    for (const auto& [when, sample] : samples_of(scanned, buffer)) {
        const MappingId id = processes.process_at(Pid{7}, when).user->find(Avma{0x1000}, when);
        paths.push_back(processes.mappings().image(processes.mappings().mapping(id).image).path);
    }
    CHECK(paths == std::vector<std::string>{"/old", "/new"});
}

TEST_CASE("records are counted by type, losses summed") {
    PerfBuilder perf;
    perf.add_event(cpu_clock_event());
    perf.sample({.time = 1});
    perf.sample({.time = 2});
    perf.lost(100, 3);
    perf.lost(11, 4);
    Bytes samples;
    samples.u64(1000);
    perf.kernel_record(format::record_lost_samples, 0, samples, {7, 7, 5});
    // What a BPF filter did not want is not lost.
    perf.kernel_record(format::record_lost_samples, format::misc_lost_samples_bpf, samples,
                       {7, 7, 5});
    perf.finished_round();
    perf.record(40, 0, Bytes().zeros(8));
    perf.record(70000, 0, Bytes().zeros(8));
    const Scanned scanned(perf);
    CHECK(scanned.scan->record_count == 9);
    CHECK(scanned.scan->sample_count == 2);
    CHECK(scanned.scan->lost.total() == 1111);
    CHECK(scanned.scan->records_by_type[format::record_sample] == 2);
    CHECK(scanned.scan->records_by_type[format::record_finished_round] == 1);
    CHECK(scanned.scan->records_by_type[40] == 1);
    CHECK(scanned.scan->records_by_type.back() == 1);
    CHECK(scanned.diagnostics[Problem::record_unknown_type].count == 2);
    CHECK(scanned.diagnostics[Problem::record_unknown_type].first_detail == "type 40");
    CHECK_FALSE(scanned.diagnostics.input_damaged());
}

TEST_CASE("each record is in exactly one chunk, with its number") {
    PerfBuilder perf;
    perf.add_event(dwarf_event(8192));
    const std::vector<std::byte> stack(8192, std::byte{1});
    const std::vector<std::uint64_t> regs(20, 5);
    for (std::uint64_t i = 0; i < 400; ++i) {
        if (i % 40 == 0) perf.comm({.pid = 7, .time = i + 1}, "x");
        perf.sample(
            {.ip = i, .pid = 7, .tid = 7, .time = i + 1, .user_regs = regs, .user_stack = stack});
    }
    Scanned scanned(perf);
    CHECK(scanned.scan->chunks.size() >= 3);
    std::uint64_t offset = scanned.file->header().data.offset;
    for (const Chunk& chunk : scanned.scan->chunks) {
        CHECK(chunk.offset == offset);
        offset += chunk.size;
    }
    CHECK(offset == scanned.file->data_end());
    std::vector<std::byte> buffer;
    std::uint64_t expected = 0;
    for (const auto& [when, sample] : samples_of(scanned, buffer)) {
        CHECK(sample.sample.ip.value == expected);
        CHECK(when.time == expected + 1);
        CHECK(when.sequence == expected + expected / 40 + 1);
        ++expected;
    }
    CHECK(expected == 400);
}

TEST_CASE("trace data between records is in no chunk") {
    PerfBuilder perf;
    perf.add_event(cpu_clock_event());
    perf.sample({.ip = 1, .time = 1});
    perf.record(format::record_auxtrace, 0, Bytes().u64(1000).zeros(32));
    perf.raw_bytes(Bytes().zeros(1000));
    perf.sample({.ip = 2, .time = 2});
    Scanned scanned(perf);
    CHECK(scanned.scan->record_count == 3);
    CHECK(scanned.scan->chunks.size() == 2);
    std::vector<std::byte> buffer;
    CHECK(samples_of(scanned, buffer).size() == 2);
    CHECK_FALSE(scanned.diagnostics.input_damaged());
}

TEST_CASE("a record too small for its type is skipped and counted") {
    PerfBuilder perf;
    perf.add_event(cpu_clock_event());
    perf.record(format::record_mmap2, 2, Bytes().zeros(16));
    perf.record(format::record_comm, 0, Bytes().zeros(4));
    perf.sample({.time = 1});
    const Scanned scanned(perf);
    CHECK(scanned.diagnostics[Problem::record_too_small].count == 2);
    CHECK(scanned.scan->sample_count == 1);
}

TEST_CASE("samples find their event by id") {
    PerfBuilder perf;
    EventAttr first = cpu_clock_event();
    first.ids = {100, 101};
    EventAttr second = cpu_clock_event();
    second.ids = {200};
    second.type = format::type_hardware;
    perf.add_event(first);
    perf.add_event(second);
    perf.sample({.time = 1, .id = 101});
    perf.sample({.time = 2, .id = 200});
    perf.sample({.time = 3, .id = 0});  // made up by perf: the first event's
    perf.sample({.time = 4, .id = 999});
    Scanned scanned(perf);
    std::vector<std::byte> buffer;
    std::vector<std::size_t> events;
    for (const auto& [when, sample] : samples_of(scanned, buffer)) {
        events.push_back(sample.attr_index);
    }
    CHECK(events == std::vector<std::size_t>{0, 1, 0});
    CHECK(scanned.diagnostics[Problem::record_unknown_id].count == 1);
}

TEST_CASE("a sample of the only event needs no id that is known") {
    PerfBuilder perf;
    perf.add_event(cpu_clock_event());
    perf.sample({.time = 4, .id = 999});
    Scanned scanned(perf);
    std::vector<std::byte> buffer;
    CHECK(samples_of(scanned, buffer).size() == 1);
}

TEST_CASE("events that keep their ids in different places are told apart") {
    PerfBuilder perf;
    EventAttr first = cpu_clock_event();
    EventAttr second = cpu_clock_event();
    second.sample_type = format::sample_ip | format::sample_id | format::sample_time;
    second.ids = {200};
    perf.add_event(first);
    perf.add_event(second);
    perf.sample({.ip = 1, .time = 50}, 0);
    perf.sample({.ip = 2, .time = 60}, 1);
    Scanned scanned(perf);
    std::vector<std::byte> buffer;
    const auto samples = samples_of(scanned, buffer);
    REQUIRE(samples.size() == 2);
    CHECK(samples[0].second.attr_index == 0);
    CHECK(samples[1].second.attr_index == 1);
    CHECK(samples[1].first.time == 60);
}

TEST_CASE("a malformed sample is counted, those around it are delivered") {
    PerfBuilder perf;
    EventAttr event = cpu_clock_event();
    event.sample_type |= format::sample_callchain;
    perf.add_event(event);
    perf.sample({.time = 1, .callchain = {1, 2}});
    const std::uint64_t bad = perf.next_offset();
    perf.record(format::record_sample, 2, Bytes().zeros(5 * 8).u64(~0ULL));
    perf.sample({.time = 3, .callchain = {1, 2}});
    Scanned scanned(perf);
    std::vector<std::byte> buffer;
    CHECK(samples_of(scanned, buffer).size() == 2);
    CHECK(scanned.diagnostics[Problem::sample_malformed].count == 1);
    CHECK(scanned.diagnostics[Problem::sample_malformed].first_offset == bad);
}

TEST_CASE("build-ids: the record's own before the table's") {
    PerfBuilder perf;
    perf.add_event(cpu_clock_event());
    perf.build_id("/own", {9, 9, 9, 9});
    perf.build_id("/table", {1, 2, 3, 4});
    perf.build_id("[kernel.kallsyms]", {5, 6, 7, 8}, CpuMode::kernel);
    perf.mmap2({.pid = 7, .time = 1}, {.start = 0x1000, .path = "/own", .build_id = {7, 7}});
    perf.mmap2({.pid = 7, .time = 1}, {.start = 0x2000, .path = "/table"});
    perf.mmap(
        {.pid = -1},
        {.start = 0xffffffff81000000, .path = "[kernel.kallsyms]_text", .mode = CpuMode::kernel});
    const Scanned scanned(perf);
    std::map<std::string, std::string> ids;
    const MappingTable& mappings = scanned.scan->processes.mappings();
    for (std::uint32_t i = 0; i < mappings.image_count(); ++i) {
        ids[mappings.image(ImageId{i}).path] = mappings.image(ImageId{i}).build_id.hex();
    }
    CHECK(ids["/own"] == "0707");
    CHECK(ids["/table"] == "01020304");
    CHECK(ids["[kernel.kallsyms]_text"] == "05060708");
}

TEST_CASE("data mappings leave no trace") {
    PerfBuilder perf;
    perf.add_event(cpu_clock_event());
    for (std::uint64_t i = 0; i < 100; ++i) {
        perf.mmap2({.pid = 7, .time = i}, {.start = i << 12, .path = "/data", .data = true});
    }
    const Scanned scanned(perf);
    CHECK(scanned.scan->processes.mappings().mapping_count() == 0);
    CHECK(scanned.scan->record_count == 100);
}
