// All the forms a recording comes in give the same; each cut anywhere gives what stands before the
// cut; no damage does harm.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <thread>

#include "perfdata/format.h"
#include "recording_forms.h"
#include "support/stride.h"

using namespace fgread;
using namespace fgread::test;

namespace {

using Bytes_ = std::vector<std::byte>;

constexpr std::size_t piece = 700;  // records of some 400 bytes straddle it

PerfBuilder compressed(std::uint32_t type) {
    PerfBuilder perf = some_of_everything();
    perf.compress(piece, type);
    perf.feature(format::feature_compressed, Bytes().u32(0).u32(1).u32(1).u32(2).u32(4096));
    return perf;
}

std::map<std::string, Bytes_> all_forms() {
    const PerfBuilder plain = some_of_everything();
    std::map<std::string, Bytes_> forms;
    forms["file"] = plain.build();
    forms["pipe"] = plain.build_pipe();
    forms["compressed file"] = compressed(format::record_compressed).build();
    forms["compressed pipe"] = compressed(format::record_compressed).build_pipe();
    forms["compressed2 file"] = compressed(format::record_compressed2).build();
    forms["compressed2 pipe"] = compressed(format::record_compressed2).build_pipe();
    const BigEndian big;
    const PerfBuilder swapped = some_of_everything();
    forms["big-endian file"] = swapped.build();
    forms["big-endian pipe"] = swapped.build_pipe();
    forms["big-endian compressed2 file"] = compressed(format::record_compressed2).build();
    return forms;
}

struct TemporaryDirectory {
    std::filesystem::path path =
        std::filesystem::temp_directory_path() / ("fgread-streams-" + std::to_string(::getpid()));
    TemporaryDirectory() { std::filesystem::create_directories(path); }
    ~TemporaryDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    std::string write(const std::string& name, ByteView bytes) const {
        std::ofstream out(path / name, std::ios::binary);
        for (const std::byte byte : bytes) out.put(static_cast<char>(byte));
        return path / name;
    }
};

void write_all(int descriptor, ByteView bytes) {
    while (!bytes.empty()) {
        // Uneven pieces: no record may depend on how the bytes come.
        const ssize_t done =
            ::write(descriptor, bytes.data(), std::min<std::size_t>(97, bytes.size()));
        if (done <= 0) return;
        bytes = bytes.subspan(static_cast<std::size_t>(done));
    }
}

Read read_fifo(const TemporaryDirectory& directory, ByteView bytes) {
    const std::string path = directory.path / "fifo";
    ::unlink(path.c_str());
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    std::thread writer([&] {
        const int descriptor = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
        write_all(descriptor, bytes);
        ::close(descriptor);
    });
    Read result = read_path(path);
    writer.join();
    return result;
}

void check_same(const Read& read, const Read& expected, const std::string& form) {
    CAPTURE(form);
    CAPTURE(read.error);
    REQUIRE(read.opened);
    REQUIRE(read.samples == expected.samples);
    REQUIRE(read.counted == expected.counted);
    REQUIRE(read.events == expected.events);
    REQUIRE_FALSE(read.diagnostics.input_damaged());
    REQUIRE(read.diagnostics[Problem::late_record].count == 0);
}

}  // namespace

TEST_CASE("one recording is the same in every form and from every place") {
    const Read expected = read_bytes(some_of_everything().build());
    REQUIRE(expected.samples.size() == 12);
    REQUIRE(expected.samples[5].find("eight 4102 60") == std::string::npos);
    REQUIRE(expected.samples[6].find("eight 4103 70") == 0);
    REQUIRE(expected.samples[6].find("/bin/eight") != std::string::npos);
    REQUIRE(expected.samples[7].find("/bin/seven 0102030405") != std::string::npos);
    const TemporaryDirectory directory;
    for (const auto& entry : all_forms()) {
        const std::string& form = entry.first;  // clang 14 captures no structured bindings
        const Bytes_& bytes = entry.second;
        check_same(read_bytes(bytes), expected, form);
        check_same(read_path(directory.write("file", bytes)), expected, form + " on disk");
        check_same(read_fifo(directory, bytes), expected, form + " through a FIFO");
        for (const auto& [how, pack] : std::map<std::string, std::function<Bytes_(ByteView)>>{
                 {"gzip", gzip}, {"xz", xz}, {"zstd", zstd}}) {
            const Bytes_ packed = pack(bytes);
            check_same(read_bytes(packed), expected, form + " packed by " + how);
            check_same(read_fifo(directory, packed), expected, form + how + " through a FIFO");
        }
    }
}

TEST_CASE("a large packed file is unpacked twice, so that its build-ids are known from the start") {
    PerfBuilder perf;
    perf.add_event(dwarf_event(32768));
    perf.mmap2({.pid = 7}, {.start = 0x1000, .path = "/bin/seven"});
    const std::vector<std::uint64_t> regs(20, 5);
    const std::vector<std::byte> stack(32);
    constexpr std::size_t count = 1100;  // 36 MB
    for (std::uint64_t i = 1; i <= count; ++i) {
        perf.sample({.ip = 0x1000 + i,
                     .pid = 7,
                     .tid = 7,
                     .time = i,
                     .user_regs = regs,
                     .user_stack = stack,
                     .stack_area = 32768});
        if (i % 100 == 0) perf.finished_round();
    }
    perf.build_id("/bin/seven", std::vector<std::uint8_t>(20, 0xab));
    const Bytes_ bytes = perf.build();
    const Read plain = read_bytes(bytes);
    REQUIRE(plain.samples.size() == count);
    REQUIRE(plain.samples[0].find("abababab") != std::string::npos);
    const Bytes_ packed = zstd(bytes);
    check_same(read_bytes(packed), plain, "large, packed");

    // Cut: nothing is known of the build-ids, and every whole sample is there.
    const Read cut = read_bytes(ByteView(packed).first(packed.size() * 9 / 10));
    REQUIRE(cut.opened);
    CHECK(cut.samples.size() > count / 2);
    CHECK(cut.samples.size() < count);
    CHECK(cut.diagnostics[Problem::compression_damaged].count == 1);
    CHECK(cut.diagnostics[Problem::file_truncated].count == 1);
}

TEST_CASE("several packed members in a row are one recording") {
    const Bytes_ bytes = some_of_everything().build();
    const ByteView view = bytes;
    for (const auto& pack : {gzip, xz, zstd}) {
        Bytes_ packed = pack(view.first(777));
        const Bytes_ rest = pack(view.subspan(777));
        packed.insert(packed.end(), rest.begin(), rest.end());
        check_same(read_bytes(packed), read_bytes(bytes), "two members");
    }
}

// Where the records of an uncompressed form end, and which of them are samples.
struct Boundaries {
    std::vector<std::size_t> records;
    std::vector<std::size_t> samples;
};

Boundaries boundaries_of(const Bytes_& bytes, std::size_t begin, std::size_t end, Endian endian) {
    Boundaries found;
    for (std::size_t at = begin; at < end;) {
        ByteReader in(ByteView(bytes).subspan(at), endian);
        const std::uint32_t type = in.u32();
        in.skip(2);
        at += in.u16();
        found.records.push_back(at);
        if (type == format::record_sample) found.samples.push_back(at);
    }
    return found;
}

// The second and third word of a line.
std::string address_and_time(const std::string& line) {
    const std::size_t begin = line.find(' ') + 1;
    return line.substr(begin, line.find(' ', line.find(' ', begin) + 1) - begin);
}

TEST_CASE("every form cut at any byte gives samples from before the cut alone") {
    const std::vector<std::string> all = read_bytes(some_of_everything().build()).samples;
    for (const auto& entry : all_forms()) {
        const std::string& form = entry.first;  // clang 14 captures no structured bindings
        const Bytes_& bytes = entry.second;
        CAPTURE(form);
        const Coverage whole = read_bytes(bytes).coverage;
        CHECK(whole.is_whole());
        CHECK(whole.unread_bytes == 0);
        std::size_t last = 0;
        for (std::size_t size = bytes.size() % stride; size <= bytes.size(); size += stride) {
            CAPTURE(size);
            // A copy of exactly this size, for AddressSanitizer.
            const Bytes_ cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
            const Read read = read_bytes(cut);
            if (!read.opened) {
                REQUIRE(last == 0);
                REQUIRE_FALSE(read.error.empty());
                continue;
            }
            // Never fewer than of a shorter one, and none made up.
            REQUIRE(read.samples.size() >= last);
            REQUIRE(read.samples.size() <= all.size());
            last = read.samples.size();
            REQUIRE(read.counted == last);
            // Each byte of the records was read, was not, or is missing.
            const Coverage& coverage = read.coverage;
            REQUIRE(coverage.unread_bytes);
            const std::uint64_t here = coverage.read_bytes + *coverage.unread_bytes;
            if (form.ends_with("pipe")) {
                REQUIRE(format::pipe_header_size + here == size);
            } else {
                REQUIRE(here + coverage.missing_bytes == whole.read_bytes);
            }
            REQUIRE(coverage.is_whole() == !read.diagnostics.input_damaged());
            // Names and build-ids may stand behind the cut.
            for (std::size_t i = 0; i < last; ++i) {
                REQUIRE(address_and_time(read.samples[i]) == address_and_time(all[i]));
            }
        }
        REQUIRE(last == all.size());
    }
}

TEST_CASE(
    "an uncompressed recording cut at any byte has every sample before the cut, and says so") {
    for (const Endian endian : {Endian::little, Endian::big}) {
        Bytes::order = endian;
        const PerfBuilder perf = some_of_everything();
        const Bytes_ file = perf.build();
        const Bytes_ pipe = perf.build_pipe();
        Bytes::order = Endian::little;
        const std::size_t end = perf.next_offset();
        std::size_t begin = 0;
        for (const std::uint64_t part : {104U, 8U * 3, 2U * (136 + 16)}) begin += part;
        const Boundaries in_file = boundaries_of(file, begin, end, endian);
        const Boundaries in_pipe =
            boundaries_of(pipe, format::pipe_header_size, pipe.size(), endian);
        REQUIRE(in_file.samples.size() == 12);
        REQUIRE(in_pipe.samples.size() == 12);
        const auto whole = [](const Boundaries& found, std::size_t size) {
            return static_cast<std::size_t>(
                std::count_if(found.samples.begin(), found.samples.end(),
                              [&](std::size_t sample_end) { return sample_end <= size; }));
        };
        for (std::size_t size = begin; size <= file.size(); size += stride) {
            CAPTURE(size);
            const Read read = read_bytes(ByteView(file).first(size));
            REQUIRE(read.samples.size() == whole(in_file, size));
            REQUIRE(read.diagnostics[Problem::file_truncated].count == (size < end ? 1 : 0));
        }
        for (std::size_t size = in_pipe.records[1]; size <= pipe.size(); size += stride) {
            CAPTURE(size);
            const Read read = read_bytes(ByteView(pipe).first(size));
            REQUIRE(read.samples.size() == whole(in_pipe, size));
            const bool at_boundary = std::find(in_pipe.records.begin(), in_pipe.records.end(),
                                               size) != in_pipe.records.end();
            REQUIRE(read.diagnostics[Problem::stream_cut].count == (at_boundary ? 0 : 1));
        }
    }
}

TEST_CASE("no flipped bit and no bad number in any form does harm") {
    for (const auto& entry : all_forms()) {
        const std::string& form = entry.first;  // clang 14 captures no structured bindings
        const Bytes_& bytes = entry.second;
        CAPTURE(form);
        // Damaged zstd data may decode into anything, but not into more than a few KB here.
        constexpr std::size_t max_samples = 10'000;
        // The others take the same ways through the reader.
        const bool own_way = form == "big-endian file" || form == "pipe" ||
                             form == "compressed2 pipe" || form == "compressed file";
        if (!own_way) continue;
        // test_damage.cpp has the file itself; a compressed payload has no fields.
        const bool is_packed = form.find("compressed") != std::string::npos;
        const std::size_t end = form == "pipe" ? bytes.size() : std::size_t{600};
        for (std::size_t i = 0; i < std::min<std::size_t>(end, 4096); i += stride) {
            for (unsigned bit = 0; bit < 8; ++bit) {
                Bytes_ bad = bytes;
                bad[i] ^= static_cast<std::byte>(1U << bit);
                REQUIRE(read_bytes(bad).samples.size() <= max_samples);
            }
        }
        const std::uint64_t size = bytes.size();
        // Fields lie at even offsets.
        for (std::size_t i = 0; i + 8 <= (is_packed ? bytes.size() : end);
             i += (is_packed ? 14 : 2) * stride) {
            for (const std::uint64_t value :
                 {std::uint64_t{0}, std::uint64_t{1}, size - 1, size, size + 1,
                  std::uint64_t{1} << 15, std::uint64_t{0xffff}, std::uint64_t{1} << 31,
                  std::uint64_t{0xffffffff}, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
                for (const unsigned width : {2U, 4U, 8U}) {
                    if (i % width != 0) continue;
                    Bytes_ bad = bytes;
                    for (unsigned k = 0; k < width; ++k) {
                        bad[i + k] = static_cast<std::byte>(value >> (8 * k));
                    }
                    REQUIRE(read_bytes(bad).samples.size() <= max_samples);
                }
            }
        }
    }
}

TEST_CASE("compressed records that are damaged end the recording there") {
    const Bytes_ good = compressed(format::record_compressed).build();
    const std::vector<std::string> all = read_bytes(good).samples;
    // Overwrites the middle of the records, which are most of the file.
    Bytes_ bad = good;
    for (std::size_t i = bad.size() / 2; i < bad.size() / 2 + 16; ++i) bad[i] = std::byte{0xff};
    const Read read = read_bytes(bad);
    REQUIRE(read.opened);
    CHECK(read.samples.size() < all.size());
    for (std::size_t i = 0; i < read.samples.size(); ++i) CHECK(read.samples[i] == all[i]);
}

TEST_CASE("records may be compressed or not, one after the other") {
    PerfBuilder perf;
    perf.add_event(cpu_clock_event());
    perf.sample({.ip = 1, .time = 1});
    perf.sample({.ip = 2, .time = 2});
    perf.compress(30, format::record_compressed);
    perf.sample({.ip = 3, .time = 3});
    perf.closed = false;
    CHECK(read_bytes(perf.build()).samples.size() == 3);

    // Found only after plain samples.
    PerfBuilder packed;
    packed.add_event(cpu_clock_event());
    const std::size_t begin = packed.next_offset();
    packed.sample({.ip = 4, .time = 4});
    packed.compress(1000, format::record_compressed);
    const Bytes_ bytes = packed.build();
    PerfBuilder late;
    late.add_event(cpu_clock_event());
    late.sample({.ip = 3, .time = 3});
    late.raw_bytes(Bytes().raw(ByteView(bytes).subspan(begin)));
    late.sample({.ip = 5, .time = 5});
    CHECK(read_bytes(late.build()).samples.size() == 3);
}

TEST_CASE("one compressed record may hold far more than its size") {
    PerfBuilder perf;
    perf.add_event(dwarf_event(32768));
    for (std::uint64_t i = 1; i <= 200; ++i) {
        perf.sample({.ip = i,
                     .time = i,
                     .user_regs = std::vector<std::uint64_t>(20, 1),
                     .user_stack = std::vector<std::byte>(32768)});
    }
    perf.compress(std::size_t{64} << 20, format::record_compressed);
    const Bytes_ bytes = perf.build_pipe();
    CHECK(bytes.size() < 65536);
    CHECK(read_bytes(bytes).samples.size() == 200);
}

TEST_CASE("a recording is cut into the same pieces, packed or not, in a file or a pipe") {
    // Samples of one piece are stitched together.
    const auto make = [](bool packed) {
        PerfBuilder perf;
        perf.add_event(dwarf_event(8192));
        for (std::uint64_t i = 1; i <= 400; ++i) {
            perf.sample({.ip = i,
                         .time = i,
                         .user_regs = std::vector<std::uint64_t>(20, i),
                         .user_stack = std::vector<std::byte>(8 * (i % 1000))});
            if (i % 50 == 0) perf.comm({.pid = 7, .time = i}, "seven");
        }
        if (packed) perf.compress(std::size_t{1} << 20, format::record_compressed);
        return perf;
    };
    const auto pieces = [](const Bytes_& bytes) {
        Diagnostics diagnostics;
        const auto file = PerfFile::open_memory(bytes, "x.data", diagnostics);
        auto scan = file->scan(diagnostics);
        std::vector<std::uint64_t> last_samples;
        std::vector<std::byte> buffer;
        do {
            for (const Chunk& chunk : scan->chunks) {
                RecordCursor records = file->records(chunk, *file->read_chunk(chunk, buffer));
                std::uint64_t last = 0;
                while (const auto record = records.next()) {
                    if (record->type != format::record_sample) continue;
                    last = file->decode_sample(*record, diagnostics)->sample.ip.value;
                }
                last_samples.push_back(last);
            }
        } while (file->next_batch(*scan, diagnostics));
        return last_samples;
    };
    const std::vector<std::uint64_t> expected = pieces(make(false).build());
    CHECK(expected.size() > 1);
    CHECK(expected.back() == 400);
    CHECK(pieces(make(false).build_pipe()) == expected);
    CHECK(pieces(make(true).build()) == expected);
    CHECK(pieces(make(true).build_pipe()) == expected);
}

TEST_CASE("text behind a stream ends it, and is told") {
    Bytes_ bytes = some_of_everything().build_pipe();
    for (const char c : std::string("[ perf record: Woken up 1 times to write data ]\n")) {
        bytes.push_back(static_cast<std::byte>(c));
    }
    const Read read = read_bytes(bytes);
    CHECK(read.samples.size() == 12);
    CHECK(read.diagnostics[Problem::stream_garbage].count == 1);
    CHECK(read.diagnostics[Problem::stream_garbage].first_offset ==
          some_of_everything().build_pipe().size());
    CHECK(read.diagnostics.input_damaged());
}

TEST_CASE("bytes outside the records of a stream are passed over") {
    PerfBuilder perf;
    perf.add_event(cpu_clock_event());
    perf.sample({.ip = 1, .time = 1});
    perf.record(format::record_header_tracing_data, 0, Bytes().u32(24));
    perf.raw_bytes(Bytes().text("tracing data, any bytes."));
    perf.sample({.ip = 2, .time = 2});
    perf.record(format::record_auxtrace, 0, Bytes().u64(300'000).zeros(32));
    perf.raw_bytes(Bytes().zeros(300'000));
    perf.sample({.ip = 3, .time = 3});
    const Read read = read_bytes(perf.build_pipe());
    CHECK(read.samples.size() == 3);
    CHECK_FALSE(read.diagnostics.input_damaged());
}

TEST_CASE("a pipe may bring events and names while it is read") {
    PerfBuilder perf;
    perf.add_event(cpu_clock_event());
    perf.sample({.ip = 1, .time = 1});
    // More than what is read ahead for the header.
    for (int i = 0; i < 40'000; ++i) perf.lost(0, 2);
    Bytes attr;
    attr.u32(0).u32(64).u64(0).u64(7).u64(cpu_clock_event().sample_type).u64(0);
    attr.u64(cpu_clock_event().flags).zeros(16).u64(200);
    perf.record(format::record_header_attr, 0, attr);
    perf.record(format::record_event_update, 0, Bytes().u64(2).u64(200).padded_text("late"));
    perf.sample({.ip = 2, .time = 3, .id = 200});
    const Read read = read_bytes(perf.build_pipe());
    CHECK(read.samples.size() == 2);
    CHECK(read.events == std::vector<std::string>{"cpu-clock", "late"});
    CHECK_FALSE(read.diagnostics.input_damaged());
}

TEST_CASE("the files of a directory are one recording, compressed or not") {
    const TemporaryDirectory directory;
    for (const bool packed : {false, true}) {
        CAPTURE(packed);
        PerfBuilder main;
        main.add_event(cpu_clock_event());
        main.comm({.pid = 7}, "seven", exec);
        if (packed) main.feature(format::feature_compressed, Bytes().zeros(20));
        const auto records_of = [&](std::uint64_t first) {
            PerfBuilder part;
            part.add_event(cpu_clock_event());
            const std::uint64_t begin = part.next_offset();
            for (std::uint64_t i = first; i < 40; i += 2) {
                part.sample({.ip = 0x1000 + i, .pid = 7, .tid = 7, .time = 100 + i});
                // Each file has side-band that samples in the other one need.
                if (i == 20 || i == 31) {
                    part.mmap2({.pid = 7, .time = 100 + i},
                               {.start = 0x1000, .path = "/bin/" + std::to_string(i)});
                }
            }
            part.finished_round();
            if (packed) part.compress(100, format::record_compressed);
            part.closed = false;
            const Bytes_ file = part.build();
            return Bytes_(file.begin() + static_cast<std::ptrdiff_t>(begin), file.end());
        };
        directory.write("data", main.build());
        directory.write("data.1", records_of(1));
        directory.write("data.0", records_of(0));
        directory.write("data.old", records_of(0));  // none of perf's
        const Read read = read_path(directory.path);
        CAPTURE(read.error);
        REQUIRE(read.opened);
        REQUIRE(read.samples.size() == 40);
        CHECK_FALSE(read.diagnostics.input_damaged());
        CHECK(read.samples[0] == "seven 4096 100 1");
        CHECK(read.samples[10] == "seven 4116 120 1");
        CHECK(read.samples[11] == "seven 4118 122 1 /bin/20 ");
        CHECK(read.samples[15] == "seven 4126 130 1 /bin/20 ");
        CHECK(read.samples[16] == "seven 4128 132 1 /bin/31 ");
        CHECK(read.samples[39] == "seven 4135 139 1 /bin/31 ");
    }
}

TEST_CASE("a directory that is no recording says so") {
    const TemporaryDirectory directory;
    const Read read = read_path(directory.path);
    CHECK_FALSE(read.opened);
    CHECK(read.error.find("is a directory") != std::string::npos);
}
