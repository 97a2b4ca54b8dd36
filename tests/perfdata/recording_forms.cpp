#include "recording_forms.h"

#include <doctest/doctest.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "perfdata/format.h"

namespace fgread::test {

namespace {

// Half a million damaged recordings are read by tests that are not optimised: what is appended is
// put together in place. Temporary strings took three quarters of the tests' time.
void append(std::string& text, char mark, std::uint64_t number) {
    std::array<char, 20> digits{};
    const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
    text.push_back(mark);
    text.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

void append_hex(std::string& text, ByteView bytes) {
    const std::size_t old_size = text.size();
    text.resize(old_size + 2 * bytes.size());
    char* out = text.data() + old_size;
    const std::byte* const in = bytes.data();
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const auto byte = static_cast<unsigned>(in[i]);
        *out++ = "0123456789abcdef"[byte / 16];
        *out++ = "0123456789abcdef"[byte % 16];
    }
}

std::string line(const PerfFile& file, const Scan& scan, const RecordView& record,
                 const SampleView& sample) {
    const EventTime when = file.event_time(record);
    const ProcessAt process = scan.processes.process_at(sample.pid, when);
    const MappingId mapping = process.user->find(sample.ip, when);
    std::string text(scan.processes.comm(scan.processes.comm_at(sample.pid, sample.tid, when)));
    append(text, ' ', sample.ip.value);
    append(text, ' ', sample.time.value);
    append(text, ' ', sample.period);
    for (std::size_t i = 0; i < sample.callchain.size(); ++i) {
        append(text, ',', sample.callchain[i]);
    }
    for (std::size_t i = 0; i < sample.user_regs.values.size(); ++i) {
        append(text, 'r', sample.user_regs.values[i]);
    }
    // A memory image: the same bytes in every container.
    if (!sample.user_stack.empty()) text.push_back(' ');
    append_hex(text, sample.user_stack);
    if (!mapping) return text;
    const MappingTable& table = scan.processes.mappings();
    const Image& image = table.image(table.mapping(mapping).image);
    return text + " " + image.path + " " + image.build_id.hex();
}

}  // namespace

Read read_file(Result<PerfFile> file, Diagnostics diagnostics) {
    Read result;
    result.diagnostics = std::move(diagnostics);
    result.opened = file.has_value();
    if (!file) {
        result.error = file.error().message;
        return result;
    }
    auto scan = file->scan(result.diagnostics);
    REQUIRE(scan.has_value());
    std::vector<std::byte> buffer;
    do {
        for (const Chunk& chunk : scan->chunks) {
            const auto bytes = file->read_chunk(chunk, buffer);
            REQUIRE(bytes.has_value());
            RecordCursor records = file->records(chunk, *bytes);
            while (const auto record = records.next()) {
                if (record->type != format::record_sample) continue;
                const auto sample = file->decode_sample(*record, result.diagnostics);
                if (sample) result.samples.push_back(line(*file, *scan, *record, sample->sample));
            }
        }
    } while (file->next_batch(*scan, result.diagnostics));
    result.counted = scan->sample_count;
    result.coverage = scan->coverage;
    for (const EventAttr& attr : file->attrs()) result.events.push_back(attr.name);
    return result;
}

Read read_bytes(ByteView bytes) {
    Diagnostics diagnostics;
    auto file = PerfFile::open_memory(bytes, "x.data", diagnostics);
    return read_file(std::move(file), diagnostics);
}

Read read_path(const std::string& path) {
    Diagnostics diagnostics;
    auto file = PerfFile::open(path, diagnostics);
    return read_file(std::move(file), diagnostics);
}

std::vector<std::byte> gzip(ByteView bytes) {
    std::vector<unsigned char> in(bytes.size());
    std::transform(bytes.begin(), bytes.end(), in.begin(),
                   [](std::byte b) { return std::to_integer<unsigned char>(b); });
    std::vector<unsigned char> out(bytes.size() + 1000);
    z_stream stream = {};
    REQUIRE(deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    stream.next_in = in.data();
    stream.avail_in = static_cast<uInt>(in.size());
    stream.next_out = out.data();
    stream.avail_out = static_cast<uInt>(out.size());
    REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    std::vector<std::byte> packed;
    for (const unsigned char c : out) packed.push_back(static_cast<std::byte>(c));
    return packed;
}

std::vector<std::byte> xz(ByteView bytes) {
    std::vector<unsigned char> in(bytes.size());
    std::transform(bytes.begin(), bytes.end(), in.begin(),
                   [](std::byte b) { return std::to_integer<unsigned char>(b); });
    std::vector<unsigned char> out(bytes.size() + 1000);
    std::size_t size = 0;
    REQUIRE(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC32, nullptr, in.data(), in.size(), out.data(),
                                    &size, out.size()) == LZMA_OK);
    std::vector<std::byte> packed;
    for (std::size_t i = 0; i < size; ++i) packed.push_back(static_cast<std::byte>(out[i]));
    return packed;
}

std::vector<std::byte> zstd(ByteView bytes) {
    std::vector<std::byte> packed(ZSTD_compressBound(bytes.size()));
    const std::size_t size =
        ZSTD_compress(packed.data(), packed.size(), bytes.data(), bytes.size(), 1);
    REQUIRE(ZSTD_isError(size) == 0);
    packed.resize(size);
    return packed;
}

PerfBuilder some_of_everything(std::vector<std::uint64_t>* sample_ends) {
    PerfBuilder perf;
    EventAttr event = dwarf_event();
    event.name = "cpu-clock:u";
    perf.add_event(event);
    EventAttr other = cpu_clock_event();
    other.type = format::type_hardware;
    other.ids = {200, 201};
    other.name = "cycles";
    perf.add_event(other);
    const std::uint64_t begin = perf.next_offset();
    perf.comm({.pid = 7}, "seven", exec);
    perf.mmap2({.pid = 7}, {.start = 0x1000, .path = "/bin/seven"});
    const std::vector<std::uint64_t> regs(20, 5);
    const std::vector<std::byte> stack(40, std::byte{3});
    for (std::uint64_t i = 1; i <= 12; ++i) {
        const auto pid = static_cast<std::int32_t>(i < 4 || i % 2 == 0 ? 7 : 8);
        const SampleFields fields{.ip = 0x1000 + i,
                                  .pid = pid,
                                  .tid = pid,
                                  .time = i * 10,
                                  .period = i,
                                  .callchain = {format::context_user, 0x1000 + i, 0x1100},
                                  .user_regs = regs,
                                  .user_stack = stack,
                                  .stack_area = 64};
        perf.sample(fields, i % 3 == 0 ? 1 : 0);
        if (sample_ends != nullptr) sample_ends->push_back(perf.next_offset() - begin);
        // What comes now is older than what came before it: another CPU's buffer.
        if (i == 3) perf.fork({.pid = 8, .time = 25}, 7, 7);
        if (i == 5) perf.mmap2({.pid = 8, .time = 45}, {.start = 0x1000, .path = "/bin/eight"});
        if (i == 6) perf.comm({.pid = 8, .time = 46}, "eight");
        if (i % 4 == 0) perf.finished_round();
    }
    perf.exit({.pid = 8, .time = 130});
    perf.hostname("builder");
    perf.build_id("/bin/seven",
                  {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20});
    perf.event_names();
    return perf;
}

}  // namespace fgread::test
