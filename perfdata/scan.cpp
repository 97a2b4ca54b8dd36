// PerfFile::scan, the first pass (reader.h).
#include <fmt/format.h>

#include <algorithm>

#include "perfdata/format.h"
#include "perfdata/perf_file_state.h"
#include "perfdata/record_framing.h"
#include "perfdata/record_hopper.h"

namespace fgread {
namespace {

using namespace format;

// Large enough that a worker's read costs little per byte, small enough that a few dozen are in
// flight within some 10 MB.
constexpr std::uint64_t chunk_size = std::uint64_t{1} << 19;

struct TimedEvent {
    EventTime when;
    ProcessEvent event;
};

bool is_side_band(std::uint32_t type) {
    return type == record_mmap || type == record_mmap2 || type == record_comm ||
           type == record_fork || type == record_exit || type == record_ksymbol;
}

bool is_data_map(const RecordHopper::Header& header) {
    return (header.type == record_mmap || header.type == record_mmap2) &&
           (header.misc & misc_mmap_data) != 0;
}

// Collects records into chunks.
class ChunkCutter {
public:
    explicit ChunkCutter(std::vector<Chunk>& chunks) : chunks_(chunks) {}

    void add(const RecordHopper::Header& record) {
        if (open_.size == 0) {
            open_.offset = record.offset;
            open_.first_sequence = record.sequence;
        }
        open_.size += record.size;
        // Bytes outside a record may be gigabytes of trace: no chunk holds them.
        if (open_.size >= chunk_size || record.outside != 0) close();
    }
    void close() {
        if (open_.size != 0) chunks_.push_back(open_);
        open_ = {};
    }

private:
    std::vector<Chunk>& chunks_;
    Chunk open_;
};

}  // namespace

Result<Scan> PerfFile::scan(Diagnostics& diagnostics) const {
    const State& state = *state_;
    Scan scan;
    scan.records_by_type.resize(known_type_limit + 1);
    state.apply_build_ids(scan.processes.mappings());

    std::vector<TimedEvent> events;
    ChunkCutter chunks(scan.chunks);
    RecordHopper hopper(state.file, state.header.data.offset, state.data_end, state.header.endian);
    while (const auto header = hopper.next()) {
        chunks.add(*header);
        ++scan.records_by_type[std::min(header->type, known_type_limit)];
        if (header->type == record_sample) continue;
        if (header->type == record_compressed || header->type == record_compressed2) {
            return compressed_error(state.file.path());
        }
        if (record_type_name(header->type) == "unknown") {
            diagnostics.add(Problem::record_unknown_type, header->offset,
                            fmt::format("type {}", header->type));
        } else if (header->type == record_lost) {
            if (const auto record = hopper.view()) {
                ByteReader in(record->body, record->endian);
                in.skip(8);  // id
                scan.lost_events += in.u64();
            }
        } else if (is_side_band(header->type) && !is_data_map(*header)) {
            const auto record = hopper.view();
            if (!record) continue;
            if (const auto event = scan.processes.digest(*record, diagnostics)) {
                events.push_back({event_time(*record), *event});
            }
        }
    }
    chunks.close();
    state.report_stop(hopper, diagnostics);

    for (const std::uint64_t count : scan.records_by_type) scan.record_count += count;
    scan.sample_count = scan.records_by_type[record_sample];
    // Sequence numbers differ, so the order is total: equal times keep the order of the file.
    std::sort(events.begin(), events.end(),
              [](const TimedEvent& a, const TimedEvent& b) { return a.when < b.when; });
    for (const TimedEvent& event : events) scan.processes.apply(event.when, event.event);
    diagnostics.merge(scan.processes.diagnostics());
    return scan;
}

}  // namespace fgread
