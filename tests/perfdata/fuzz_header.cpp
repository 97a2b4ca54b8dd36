// A whole file from arbitrary bytes: header, attrs, features, then everything behind them, by both
// ways of reading, which must see the same records.
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

void read_all(const PerfFile& file) {
    Diagnostics diagnostics;
    const auto scan = file.scan(diagnostics);
    require(scan.has_value());
    // Compressed records bring others than are counted: fuzz_stream has those.
    if (scan->records_by_type[format::record_compressed] != 0 || file.comes_in_batches()) return;
    std::uint64_t records = 0;
    std::vector<std::byte> buffer;
    for (const Chunk& chunk : scan->chunks) {
        const auto bytes = file.read_chunk(chunk, buffer);
        require(bytes.has_value());
        RecordCursor cursor = file.records(chunk, *bytes);
        while (const auto record = cursor.next()) {
            require(record->sequence == records++);
            if (record->type != format::record_sample) continue;
            const EventTime when = file.event_time(*record);
            const auto sample = file.decode_sample(*record, diagnostics);
            if (!sample) continue;
            const ProcessAt process = scan->processes.process_at(sample->sample.pid, when);
            static_cast<void>(process.user->find_span(sample->sample.ip, when));
            const CommId comm =
                scan->processes.comm_at(sample->sample.pid, sample->sample.tid, when);
            static_cast<void>(scan->processes.comm(comm));
        }
        require(!cursor.damaged());
    }
    require(records == scan->record_count);

    OrderedReader reader(file, diagnostics);
    std::uint64_t ordered = 0;
    while (reader.next()) ++ordered;
    require(ordered == records);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Diagnostics diagnostics;
    const auto file =
        PerfFile::open_memory(std::as_bytes(std::span(data, size)), "fuzz", diagnostics);
    if (!file) {
        require(!file.error().message.empty());
        return 0;
    }
    require(!file->attrs().empty());
    for (const EventAttr& attr : file->attrs()) require(!attr.name.empty());
    read_all(*file);
    return 0;
}
