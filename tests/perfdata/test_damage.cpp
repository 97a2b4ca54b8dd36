// Recordings that were cut, never closed, or overwritten: everything before the damage is
// delivered, and the damage is told.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "perfdata/format.h"
#include "perfdata/ordered_reader.h"
#include "support/perf_builder.h"
#include "support/stride.h"

using namespace fgread;
using namespace fgread::test;

namespace {

struct Read {
    bool opened = false;
    std::string error;
    std::vector<std::uint64_t> ips;      // by chunks
    std::vector<std::uint64_t> ordered;  // the same by OrderedReader
    Diagnostics diagnostics;
    Coverage coverage;
};

Read read(ByteView bytes) {
    Read result;
    const auto file = PerfFile::open_memory(bytes, "x.data", result.diagnostics);
    result.opened = file.has_value();
    if (!file) {
        result.error = file.error().message;
        return result;
    }
    const auto scan = file->scan(result.diagnostics);
    REQUIRE(scan.has_value());
    result.coverage = scan->coverage;
    std::vector<std::byte> buffer;
    for (const Chunk& chunk : scan->chunks) {
        const auto chunk_bytes = file->read_chunk(chunk, buffer);
        REQUIRE(chunk_bytes.has_value());
        RecordCursor records = file->records(chunk, *chunk_bytes);
        while (const auto record = records.next()) {
            if (record->type != format::record_sample) continue;
            const auto sample = file->decode_sample(*record, result.diagnostics);
            if (sample) result.ips.push_back(sample->sample.ip.value);
        }
    }
    Diagnostics ordered_diagnostics;
    OrderedReader reader(*file, ordered_diagnostics);
    while (const auto item = reader.next()) {
        if (item->record.type != format::record_sample) continue;
        const auto sample = file->decode_sample(item->record, ordered_diagnostics);
        if (sample) result.ordered.push_back(sample->sample.ip.value);
    }
    std::sort(result.ordered.begin(), result.ordered.end());
    return result;
}

// A little of everything; the ips of its samples are 1, 2, 3, ...
PerfBuilder mixed(std::vector<std::uint64_t>& sample_ends) {
    PerfBuilder perf;
    perf.add_event(dwarf_event());
    perf.comm({.pid = 7}, "x", exec);
    perf.mmap2({.pid = 7}, {.start = 0x1000});
    const std::vector<std::uint64_t> regs(20, 5);
    for (std::uint64_t i = 1; i <= 8; ++i) {
        if (i == 3) perf.fork({.pid = 8, .time = i}, 7, 7);
        if (i == 5) perf.finished_round();
        perf.sample({.ip = i,
                     .pid = 7,
                     .tid = 7,
                     .time = i,
                     .callchain = {format::context_user, i},
                     .user_regs = regs,
                     .user_stack = std::vector<std::byte>(40),
                     .stack_area = 64});
        sample_ends.push_back(perf.next_offset());
    }
    perf.exit({.pid = 7, .time = 9});
    perf.hostname("builder");
    return perf;
}

}  // namespace

TEST_CASE("a recording cut at any byte gives exactly the samples before the cut") {
    std::vector<std::uint64_t> sample_ends;
    PerfBuilder perf = mixed(sample_ends);
    const std::uint64_t data_end = perf.next_offset();
    for (const bool closed : {true, false}) {
        perf.closed = closed;
        const std::vector<std::byte> whole = perf.build();
        for (std::size_t size = whole.size() % stride; size <= whole.size(); size += stride) {
            CAPTURE(size);
            // A copy of exactly this size, for AddressSanitizer.
            const std::vector<std::byte> cut(whole.begin(),
                                             whole.begin() + static_cast<std::ptrdiff_t>(size));
            const Read result = read(cut);
            const auto whole_samples = static_cast<std::size_t>(
                std::count_if(sample_ends.begin(), sample_ends.end(),
                              [&](std::uint64_t end) { return end <= size; }));
            if (!result.opened) {
                REQUIRE(whole_samples == 0);
                REQUIRE_FALSE(result.error.empty());
                continue;
            }
            REQUIRE(result.ips.size() == whole_samples);
            for (std::size_t i = 0; i < whole_samples; ++i) REQUIRE(result.ips[i] == i + 1);
            REQUIRE(result.ordered == result.ips);
            // Told in exactly one way.
            REQUIRE(result.diagnostics[Problem::file_not_finalised].count == (closed ? 0 : 1));
            REQUIRE(result.diagnostics[Problem::file_truncated].count ==
                    (closed && size < data_end ? 1 : 0));
            REQUIRE(result.diagnostics[Problem::record_size_invalid].count == 0);
        }
    }
}

TEST_CASE("a recorder that was killed leaves a readable recording") {
    std::vector<std::uint64_t> sample_ends;
    PerfBuilder perf = mixed(sample_ends);
    perf.closed = false;
    const Read result = read(perf.build());
    CHECK(result.ips.size() == 8);
    CHECK(result.diagnostics[Problem::file_not_finalised].count == 1);
    CHECK(result.diagnostics.input_damaged());
    CHECK_FALSE(result.coverage.closed);
    CHECK(result.coverage.lost_features);
    CHECK(result.coverage.read_end == perf.next_offset());
    CHECK(result.coverage.missing_bytes == 0);
}

TEST_CASE("a file cut behind its records, or inside the table behind them, has lost its features") {
    std::vector<std::uint64_t> sample_ends;
    const PerfBuilder perf = mixed(sample_ends);
    const std::vector<std::byte> whole = perf.build();
    CHECK_FALSE(read(whole).coverage.lost_features);
    for (const std::uint64_t more : {0U, 1U, 15U}) {
        const auto size = static_cast<std::size_t>(perf.next_offset() + more);
        const Read result = read(ByteView(whole).first(size));
        CHECK(result.ips.size() == 8);
        CHECK(result.coverage.lost_features);
        CHECK(result.coverage.is_whole());
        CHECK(result.diagnostics[Problem::feature_malformed].count == 1);
    }
}

TEST_CASE("what is lost with the end of the features is said by name, and what that means") {
    std::vector<std::uint64_t> sample_ends;
    PerfBuilder perf = mixed(sample_ends);
    perf.feature(format::feature_build_id, Bytes().u32(0).u16(2).u16(44).zeros(36));
    perf.feature(format::feature_total_mem, Bytes().u64(1));
    perf.feature(format::feature_cmdline, Bytes().u32(0));
    const std::vector<std::byte> whole = perf.build();
    // The table has 4 entries of 16 bytes.
    for (const std::uint64_t more : {0U, 64U}) {
        CAPTURE(more);
        const auto size = static_cast<std::size_t>(perf.next_offset() + more);
        const Read result = read(ByteView(whole).first(size));
        CHECK(result.ips.size() == 8);
        CHECK(result.diagnostics[Problem::feature_malformed].first_detail ==
              "build-ids, host name, command line and 1 more; whether it is of this machine is not "
              "known; binaries are checked by inode and age, not build-id");
        CHECK_FALSE(result.diagnostics.input_damaged());
    }
    const Read last = read(ByteView(whole).first(whole.size() - 1));
    CHECK(last.diagnostics[Problem::feature_malformed].first_detail == "command line");
}

TEST_CASE("a record of size 0 ends the recording, with its offset") {
    PerfBuilder perf;
    perf.add_event(cpu_clock_event());
    perf.sample({.ip = 1, .time = 1});
    const std::uint64_t damage = perf.next_offset();
    perf.raw_bytes(Bytes().u32(9).u16(2).u16(0));
    perf.sample({.ip = 2, .time = 2});
    const Read result = read(perf.build());
    CHECK(result.ips == std::vector<std::uint64_t>{1});
    CHECK(result.diagnostics[Problem::record_size_invalid].count == 1);
    CHECK(result.diagnostics[Problem::record_size_invalid].first_offset == damage);
    CHECK(result.coverage.stopped);
    CHECK(result.coverage.read_end == damage);
    CHECK(result.coverage.unread_bytes == perf.next_offset() - damage);
}

TEST_CASE("a record that reaches past the end of a whole file is damage too") {
    PerfBuilder perf;
    perf.add_event(cpu_clock_event());
    perf.sample({.ip = 1, .time = 1});
    perf.raw_bytes(Bytes().u32(9).u16(2).u16(4000).zeros(16));
    const Read result = read(perf.build());
    CHECK(result.ips == std::vector<std::uint64_t>{1});
    CHECK(result.diagnostics[Problem::record_size_invalid].count == 1);
}

TEST_CASE("flipping any bit of the header and the first records never does harm") {
    std::vector<std::uint64_t> sample_ends;
    const std::vector<std::byte> good = mixed(sample_ends).build();
    for (std::size_t i = 0; i < std::min<std::size_t>(good.size(), 700); i += stride) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            std::vector<std::byte> bad = good;
            bad[i] ^= static_cast<std::byte>(1U << bit);
            const Read result = read(bad);
            REQUIRE(result.ips.size() <= 8);
        }
    }
}

TEST_CASE("every 8-byte field of the file set to a bad number does no harm") {
    std::vector<std::uint64_t> sample_ends;
    const std::vector<std::byte> good = mixed(sample_ends).build();
    for (std::size_t i = 0; i + 8 <= good.size(); i += 4 * stride) {
        for (const std::uint64_t value :
             {0ULL, 1ULL, 0x7fffULL, 0xffffULL, 0x80000000ULL, 0xffffffffULL, 1ULL << 63, ~0ULL}) {
            std::vector<std::byte> bad = good;
            for (unsigned k = 0; k < 8; ++k) bad[i + k] = static_cast<std::byte>(value >> (8 * k));
            REQUIRE(read(bad).ips.size() <= good.size() / 8);
        }
    }
}

TEST_CASE("100,000 mappings over each other are read in bounded time") {
    PerfBuilder perf;
    perf.add_event(cpu_clock_event());
    for (std::uint64_t i = 0; i < 50'000; ++i) {
        perf.mmap({.pid = 7, .time = i}, {.start = i * 16, .length = 16, .path = "/s"});
    }
    for (std::uint64_t i = 0; i < 50'000; ++i) {
        perf.mmap({.pid = 7, .time = 50'000 + i},
                  {.start = i, .length = 800'000 - 2 * i, .path = "/w"});
    }
    perf.sample({.ip = 1, .pid = 7, .tid = 7, .time = 200'000});
    const std::vector<std::byte> bytes = perf.build();
    // Without the bound this takes longer than a test may.
    CHECK(read(bytes).ips.size() == 1);
}
