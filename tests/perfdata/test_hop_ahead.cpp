#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <string>
#include <tuple>
#include <vector>

#include "nameless_file.h"
#include "perfdata/format.h"
#include "perfdata/hop_ahead.h"
#include "perfdata/input_file.h"
#include "perfdata/record_hopper.h"

using namespace fgread;
using fgread::test::NamelessFile;

namespace {

constexpr std::uint64_t piece = HopAhead::piece_bytes;
constexpr std::uint16_t large = 65528;

// Records whose bodies take no room on the disk: zeros, unless something is written into them.
class SparseRecords {
public:
    void add(std::uint32_t type, std::uint16_t size) {
        write_header(end_, type, size);
        end_ += size;
        file_.cut(end_);
    }
    void add_large_until(std::uint64_t offset) {
        while (end_ < offset) add(format::record_sample, large);
    }
    void add_bytes(std::uint64_t size) {
        end_ += size;
        file_.cut(end_);
    }
    void write_header(std::uint64_t offset, std::uint32_t type, std::uint16_t size) {
        const std::uint64_t word = type | std::uint64_t{size} << 48;
        write(offset, &word, sizeof word);
    }
    void write(std::uint64_t offset, const void* bytes, std::size_t size) {
        REQUIRE(::pwrite(file_.descriptor(), bytes, size, static_cast<off_t>(offset)) ==
                static_cast<ssize_t>(size));
    }
    [[nodiscard]] std::uint64_t end() const { return end_; }
    [[nodiscard]] const NamelessFile& file() const { return file_; }
    [[nodiscard]] InputFile open() const {
        MappedFile::catch_lost_pages();
        auto file = InputFile::open("/proc/self/fd/" + std::to_string(file_.descriptor()));
        REQUIRE(file);
        file->map();
        REQUIRE(file->mapped());
        return std::move(*file);
    }

private:
    NamelessFile file_{0};
    std::uint64_t end_ = 0;
};

using Record = std::tuple<std::uint32_t, std::uint64_t, std::uint64_t, std::uint64_t>;

struct Hopped {
    std::vector<Record> records;
    RecordHopper::Stop stop = RecordHopper::Stop::at_end;
    std::uint64_t stop_offset = 0;
    bool operator==(const Hopped&) const = default;
};

Hopped hopped(RecordHopper& hopper) {
    Hopped all;
    while (const auto record = hopper.next()) {
        all.records.emplace_back(record->type, record->offset, record->outside, record->sequence);
        if (record->type != format::record_sample) CHECK(hopper.view());
    }
    all.stop = hopper.stop();
    all.stop_offset = hopper.stop_offset();
    return all;
}

// As one thread finds them, after checking that several find the same.
Hopped hopped_by_any_threads(const SparseRecords& records) {
    const InputFile file = records.open();
    RecordHopper alone(file, 0, records.end(), Endian::little);
    const Hopped expected = hopped(alone);
    for (const unsigned threads : {1u, 2u, 3u, 16u}) {
        HopAhead ahead(*file.mapped(), 0, records.end(), Endian::little, threads);
        RecordHopper hopper(file, 0, records.end(), Endian::little);
        hopper.use(ahead);
        CHECK(hopped(hopper) == expected);
    }
    return expected;
}

}  // namespace

TEST_CASE("several threads hop over the same records as one") {
    SparseRecords records;
    for (unsigned i = 0; records.end() < 40 * piece + 12345; ++i) {
        const bool is_small = i % 50 < 10;
        const unsigned size = is_small ? 8 + 8 * (i % 7) : 40000 + 8 * (i * 37 % 3000);
        records.add(is_small ? format::record_comm : format::record_sample,
                    static_cast<std::uint16_t>(size));
    }
    const Hopped all = hopped_by_any_threads(records);
    CHECK(all.stop == RecordHopper::Stop::at_end);
    CHECK(all.records.size() > 2000);
}

TEST_CASE("what only looks like records, where a thread has to guess, is not taken for them") {
    SparseRecords records;
    records.add_large_until(piece - 1000);
    // Of a body that crosses the border between two pieces.
    const std::uint64_t body = records.end() + 8;
    records.add_large_until(2 * piece + 1000);
    for (std::uint64_t at = body; at < body + 32000; at += 16) {
        records.write_header(at, format::record_comm, 16);
    }
    records.add_large_until(4 * piece);
    const Hopped all = hopped_by_any_threads(records);
    CHECK(all.records.size() == records.end() / large);
}

TEST_CASE("a trace that covers whole pieces is jumped over, whatever is in it") {
    SparseRecords records;
    records.add_large_until(piece / 2);
    const std::uint64_t trace = (HopAhead::pieces_at_once + 2) * piece;
    const std::uint64_t at = records.end();
    records.add(format::record_auxtrace, 48);
    records.write(at + 8, &trace, sizeof trace);
    for (unsigned i = 0; i < 20; ++i) {
        records.write_header(piece + 4096 * i, format::record_comm, 4096);
    }
    records.add_bytes(trace);
    records.add_large_until(trace + 5 * piece);
    const Hopped all = hopped_by_any_threads(records);
    CHECK(all.stop == RecordHopper::Stop::at_end);
    CHECK(std::count_if(all.records.begin(), all.records.end(),
                        [](const Record& one) { return std::get<2>(one) != 0; }) == 1);
}

TEST_CASE("a damaged record stops several threads where it stops one") {
    SparseRecords records;
    records.add_large_until(5 * piece / 2);
    const std::uint64_t damaged = records.end();
    records.add(format::record_sample, 4);
    records.add_large_until(4 * piece);
    const Hopped all = hopped_by_any_threads(records);
    CHECK(all.stop == RecordHopper::Stop::bad_size);
    CHECK(all.stop_offset == damaged);
}

TEST_CASE("a last record that is not whole stops several threads where it stops one") {
    SparseRecords records;
    records.add_large_until(3 * piece - 20000);
    const std::uint64_t cut = records.end();
    records.write_header(cut, format::record_sample, 30000);
    records.add_bytes(20000);
    const Hopped all = hopped_by_any_threads(records);
    CHECK(all.stop == RecordHopper::Stop::cut);
    CHECK(all.stop_offset == cut);
}

TEST_CASE("more records than a piece may have are found by their reader") {
    SparseRecords records;
    constexpr std::size_t count = 70000;
    constexpr std::array<std::uint64_t, 1> smallest{format::record_comm | std::uint64_t{8} << 48};
    std::vector<std::uint64_t> words(count, smallest[0]);
    records.write(0, words.data(), words.size() * 8);
    records.add_bytes(count * 8);
    records.add_large_until(2 * piece);
    CHECK(hopped_by_any_threads(records).records.size() > count);
}

TEST_CASE("who begins to hop ahead may stop at once, or read from any place on") {
    SparseRecords records;
    records.add_large_until(5 * piece + 2 * large);
    const InputFile file = records.open();
    HopAhead ahead(*file.mapped(), 0, records.end(), Endian::little, 3);
    SUBCASE("nothing is read") {}
    SUBCASE("from the middle on") {
        const std::uint64_t at = (2 * piece / large + 1) * large;
        const HopAhead::Run run = ahead.run_at(at);
        CHECK(run.headers.size() == (3 * piece - at) / large + 1);
        CHECK(run.piece_end == 3 * piece);
    }
    SUBCASE("not from where a record begins") { CHECK(ahead.run_at(2 * piece).headers.empty()); }
    SUBCASE("at the end") { CHECK(ahead.run_at(records.end() - large).piece_end == records.end()); }
}

TEST_CASE("pages that are lost while threads hop ahead end the records") {
    SparseRecords records;
    records.add_large_until(5 * piece);
    const InputFile file = records.open();
    records.file().cut(3 * piece / 2);
    HopAhead ahead(*file.mapped(), 0, records.end(), Endian::little, 2);
    RecordHopper hopper(file, 0, records.end(), Endian::little);
    hopper.use(ahead);
    CHECK(hopped(hopper).stop == RecordHopper::Stop::bad_size);
    CHECK_FALSE(file.mapped()->is_whole(records.end()));
}
