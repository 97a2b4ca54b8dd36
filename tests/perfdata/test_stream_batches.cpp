#include "perfdata/stream_batches.h"

#include <doctest/doctest.h>

#include <random>

#include "perfdata/byte_source.h"
#include "perfdata/format.h"
#include "perfdata/reader.h"
#include "support/perf_builder.h"

using namespace fgread;
using namespace fgread::test;

namespace {

// A source that gives what it has in pieces of any size.
class Pieces final : public ByteSource {
public:
    Pieces(std::vector<std::byte> bytes, unsigned seed) : bytes_(std::move(bytes)), random_(seed) {}
    Result<std::size_t> read(std::span<std::byte> buffer) override {
        const std::size_t most = std::min(buffer.size(), bytes_.size() - position_);
        if (most == 0) return std::size_t{0};
        const std::size_t count = 1 + random_() % std::min<std::size_t>(most, 5000);
        std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(position_), count, buffer.begin());
        position_ += count;
        return count;
    }

private:
    std::vector<std::byte> bytes_;
    std::size_t position_ = 0;
    std::mt19937 random_;
};

std::vector<std::byte> records_of(const PerfBuilder& perf, std::size_t begin) {
    const std::vector<std::byte> file = perf.build();
    return {file.begin() + static_cast<std::ptrdiff_t>(begin),
            file.begin() + static_cast<std::ptrdiff_t>(perf.next_offset())};
}

StreamBatches batches_of(std::vector<std::byte> records, const EventAttr& attr, unsigned seed,
                         StreamOptions options) {
    EventTable events;
    events.add(attr);
    return StreamBatches(RecordBlocks(std::make_unique<Pieces>(std::move(records), seed), 0, 0,
                                      Endian::little, false),
                         {}, std::move(events), options);
}

struct Seen {
    std::vector<std::size_t> blocks;  // of each batch
    std::vector<std::uint64_t> block_sizes;
    std::vector<std::uint64_t> side_band_times;  // in the order of delivery
    std::uint64_t late = 0;
    std::uint64_t largest_batch = 0;  // bytes
    // Samples that went out before side-band that is older than they are.
    std::uint64_t early_samples = 0;
};

Seen read_all(StreamBatches batches, const EventAttr& attr) {
    Seen seen;
    const SampleLayout layout(attr);
    std::uint64_t latest_sample = 0;
    while (const auto batch = batches.next()) {
        for (const KeptRecord& record : batch->side_band) {
            seen.side_band_times.push_back(record.when.time);
            if (record.when.time != 0 && record.when.time < latest_sample) ++seen.early_samples;
        }
        std::uint64_t bytes = 0;
        for (const RecordBlock& block : batch->blocks) {
            bytes += block.size;
            seen.block_sizes.push_back(block.size);
            RecordCursor cursor(block.bytes(), block.offset, block.first_sequence, Endian::little);
            while (const auto record = cursor.next()) {
                if (record->type != format::record_sample) continue;
                latest_sample = std::max(latest_sample, layout.peek(*record)->time.value);
            }
        }
        seen.blocks.push_back(batch->blocks.size());
        seen.largest_batch = std::max(seen.largest_batch, bytes);
        seen.late += batch->diagnostics[Problem::late_record].count;
    }
    return seen;
}

// Two CPUs, whose buffers are written one after the other in each tour; a process maps something
// between its samples. 80 MB.
PerfBuilder two_cpus(bool marks, std::uint64_t tours) {
    PerfBuilder perf;
    perf.add_event(dwarf_event(32768));
    const std::vector<std::uint64_t> regs(20, 1);
    const std::vector<std::byte> stack(32000);
    for (std::uint64_t tour = 1; tour <= tours; ++tour) {
        for (std::uint64_t cpu = 0; cpu < 2; ++cpu) {
            for (std::uint64_t i = 1; i <= 10; ++i) {
                const std::uint64_t time = tour * 1000 + i * 10 + cpu;
                perf.sample({.ip = 1,
                             .pid = 7,
                             .tid = 7,
                             .time = time,
                             .user_regs = regs,
                             .user_stack = stack,
                             .stack_area = 32768});
                if (i == 5) perf.mmap2({.pid = 7, .time = time + 1}, {.start = time});
            }
        }
        if (marks) perf.finished_round();
    }
    return perf;
}

}  // namespace

TEST_CASE("batches wait until their side-band is complete, in bounded memory") {
    const EventAttr attr = dwarf_event(32768);
    PerfBuilder empty;
    empty.add_event(attr);
    const auto records = records_of(two_cpus(true, 60), empty.next_offset());
    const Seen seen = read_all(batches_of(records, attr, 1, {}), attr);
    CHECK(seen.side_band_times.size() == 120);
    CHECK(std::is_sorted(seen.side_band_times.begin(), seen.side_band_times.end()));
    CHECK(seen.late == 0);
    CHECK(seen.early_samples == 0);
    CHECK(seen.blocks.size() > 1);
    CHECK(seen.largest_batch < (std::uint64_t{20} << 20));
}

TEST_CASE("batches do not depend on how the bytes come") {
    const EventAttr attr = dwarf_event(32768);
    PerfBuilder empty;
    empty.add_event(attr);
    const auto records = records_of(two_cpus(true, 40), empty.next_offset());
    const Seen first = read_all(batches_of(records, attr, 1, {}), attr);
    const Seen second = read_all(batches_of(records, attr, 2, {}), attr);
    CHECK(first.blocks == second.blocks);
    CHECK(first.block_sizes == second.block_sizes);
    CHECK(first.side_band_times == second.side_band_times);
}

TEST_CASE("without marks the oldest go when too much waits; what is late is counted, not lost") {
    const EventAttr attr = dwarf_event(32768);
    PerfBuilder perf = two_cpus(false, 20);
    perf.mmap2({.pid = 7, .time = 1500}, {.start = 1});  // of the beginning
    PerfBuilder empty;
    empty.add_event(attr);
    StreamOptions options;
    options.max_held = std::size_t{4} << 20;
    const Seen seen =
        read_all(batches_of(records_of(perf, empty.next_offset()), attr, 1, options), attr);
    CHECK(seen.side_band_times.size() == 41);
    CHECK(seen.late >= 1);
    CHECK(seen.blocks.size() > 3);
    CHECK(seen.largest_batch < (std::uint64_t{8} << 20));
}

TEST_CASE("side-band without samples does not pile up, and keeps its order") {
    const EventAttr attr = cpu_clock_event();
    PerfBuilder perf;
    perf.add_event(attr);
    const std::size_t begin = perf.next_offset();
    constexpr std::uint64_t count = 100'000;
    for (std::uint64_t i = 1; i <= count; ++i) perf.comm({.pid = 7, .time = i}, "a name");
    StreamOptions options;
    options.max_held = std::size_t{1} << 20;
    StreamBatches batches = batches_of(records_of(perf, begin), attr, 1, options);
    std::uint64_t last = 0;
    while (const auto batch = batches.next()) {
        CHECK(batch->side_band.size() < count / 4);
        for (const KeptRecord& record : batch->side_band) {
            REQUIRE(record.when.time == last + 1);
            last = record.when.time;
        }
        CHECK(batch->diagnostics[Problem::late_record].count == 0);
    }
    CHECK(last == count);
}

TEST_CASE("records without times are taken in the order of the stream") {
    EventAttr attr = cpu_clock_event();
    attr.sample_type &= ~format::sample_time;
    PerfBuilder perf;
    perf.add_event(attr);
    const std::size_t begin = perf.next_offset();
    for (std::uint64_t i = 0; i < 100; ++i) {
        perf.sample({.ip = i, .pid = 7, .tid = 7});
        perf.mmap2({.pid = 7}, {.start = i});
    }
    const Seen seen = read_all(batches_of(records_of(perf, begin), attr, 1, {}), attr);
    CHECK(seen.side_band_times.size() == 100);
    CHECK(std::is_sorted(seen.side_band_times.begin(), seen.side_band_times.end()));
    CHECK(seen.late == 0);
}

TEST_CASE("a clock gone mad delays nothing and loses nothing") {
    const EventAttr attr = cpu_clock_event();
    PerfBuilder perf;
    perf.add_event(attr);
    const std::size_t begin = perf.next_offset();
    perf.sample({.ip = 1, .pid = 7, .tid = 7, .time = 5});
    perf.sample({.ip = 2, .pid = 7, .tid = 7, .time = UINT64_MAX - 3});
    perf.sample({.ip = 3, .pid = 7, .tid = 7, .time = 0});
    perf.sample({.ip = 4, .pid = 7, .tid = 7, .time = UINT64_MAX});
    perf.finished_round();
    perf.finished_round();
    perf.mmap2({.pid = 7, .time = 6}, {.start = 1});
    perf.sample({.ip = 5, .pid = 7, .tid = 7, .time = 7});
    const Seen seen = read_all(batches_of(records_of(perf, begin), attr, 1, {}), attr);
    CHECK(seen.side_band_times == std::vector<std::uint64_t>{6});
}
