// What comes in batches, from arbitrary bytes: pipe format, compressed records, packed files. The
// first byte chooses how the rest is wrapped, so that the fuzzer needs no zstd or gzip of its own:
//   0  as it is       1  pipe: the header of one event, then the bytes as records
//   2  as 1, with the bytes as the payload of one COMPRESSED record
#include <cstdint>
#include <cstdlib>
#include <span>

#include "perfdata/format.h"
#include "perfdata/ordered_reader.h"

using namespace fgread;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

void put(std::vector<std::byte>& out, std::uint64_t value, unsigned size) {
    for (unsigned i = 0; i < size; ++i) out.push_back(static_cast<std::byte>(value >> (8 * i)));
}

std::vector<std::byte> pipe_header() {
    std::vector<std::byte> out;
    put(out, 0x32454c4946524550, 8);
    put(out, format::pipe_header_size, 8);
    put(out, format::record_header_attr, 4);
    put(out, 0, 2);
    put(out, 8 + 64, 2);
    put(out, 1, 4);
    put(out, 64, 4);
    put(out, 0, 8);
    put(out, 1000, 8);
    put(out, format::sample_ip | format::sample_tid | format::sample_time, 8);
    put(out, 0, 8);
    put(out, std::uint64_t{1} << format::attr_sample_id_all, 8);
    out.resize(out.size() + 16);
    return out;
}

void read_all(ByteView bytes) {
    Diagnostics diagnostics;
    const auto file = PerfFile::open_memory(bytes, "fuzz", diagnostics);
    if (!file) {
        require(!file.error().message.empty());
        return;
    }
    auto scan = file->scan(diagnostics);
    require(scan.has_value());
    std::uint64_t samples = 0;
    std::vector<std::byte> buffer;
    do {
        for (const Chunk& chunk : scan->chunks) {
            const auto chunk_bytes = file->read_chunk(chunk, buffer);
            require(chunk_bytes.has_value());
            RecordCursor cursor = file->records(chunk, *chunk_bytes);
            while (const auto record = cursor.next()) {
                if (record->type != format::record_sample) continue;
                ++samples;
                const EventTime when = file->event_time(*record);
                const auto sample = file->decode_sample(*record, diagnostics);
                if (!sample) continue;
                const ProcessAt process = scan->processes.process_at(sample->sample.pid, when);
                static_cast<void>(process.user->find_span(sample->sample.ip, when));
            }
            require(!cursor.damaged());
        }
    } while (file->next_batch(*scan, diagnostics));
    require(samples == scan->sample_count);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const ByteView rest = std::as_bytes(std::span(data, size)).subspan(1);
    std::vector<std::byte> bytes;
    if (data[0] % 3 != 0) bytes = pipe_header();
    if (data[0] % 3 == 2) {
        put(bytes, format::record_compressed, 4);
        put(bytes, 0, 2);
        put(bytes, 8 + (rest.size() & 0x7fff), 2);
    }
    bytes.insert(bytes.end(), rest.begin(), rest.end());
    read_all(bytes);
    return 0;
}
