// PerfFile::scan, the first pass (reader.h).
#include <fmt/format.h>

#include <algorithm>

#include "perfdata/format.h"
#include "perfdata/hop_ahead.h"
#include "perfdata/perf_file_state.h"
#include "perfdata/piece_fill.h"
#include "perfdata/record_framing.h"
#include "perfdata/record_hopper.h"
#include "perfdata/side_band.h"

namespace fgread {
namespace {

using namespace format;

// Bytes of records: their first pass takes 0.7 ms.
constexpr std::uint64_t worth_a_thread = 2 * HopAhead::pieces_at_once * HopAhead::piece_bytes;

// Collects records into chunks.
class ChunkCutter {
public:
    ChunkCutter(std::vector<Chunk>& chunks, std::size_t part)
        : chunks_(chunks), part_(static_cast<std::uint32_t>(part)) {}

    void add(const RecordHopper::Header& record) {
        if (open_.size == 0) {
            open_.offset = record.offset;
            open_.first_sequence = record.sequence;
            open_.part = part_;
        }
        open_.size += record.size;
        fill_.add(record.type, record.size);
        // Bytes outside a record may be gigabytes of trace: no chunk holds them.
        if (fill_.is_full() || record.outside != 0) close();
    }
    void close() {
        if (open_.size != 0) chunks_.push_back(open_);
        open_ = {};
        fill_ = {};
    }

private:
    std::vector<Chunk>& chunks_;
    std::uint32_t part_;
    Chunk open_;
    PieceFill fill_;
};

}  // namespace

bool PerfFile::State::scan_part(std::size_t index, Scan& scan, std::vector<TimedEvent>& timed,
                                Diagnostics& diagnostics, unsigned threads) const {
    const Part records = part(index);
    ChunkCutter chunks(scan.chunks, index);
    std::optional<HopAhead> ahead;
    RecordHopper hopper(records.file, records.begin, records.end, header.endian, scan.record_count);
    const MappedFile* mapped = records.file.mapped();
    const std::uint64_t size = records.end - records.begin;
    if (mapped && size > HopAhead::piece_bytes) {
        const bool is_large = size >= worth_a_thread;
        hopper.use(ahead.emplace(*mapped, records.begin, records.end, header.endian,
                                 is_large ? threads : 1));
    }
    while (const auto next = hopper.next()) {
        chunks.add(*next);
        ++scan.records_by_type[std::min(next->type, known_type_limit)];
        if (next->type == record_sample) continue;
        if (next->type == record_compressed || next->type == record_compressed2) return false;
        if (record_type_name(next->type) == "unknown") {
            diagnostics.add(Problem::record_unknown_type, next->offset,
                            fmt::format("type {}", next->type));
        } else if (LostEvents::counts(next->type)) {
            if (const auto record = hopper.view()) scan.lost.add(*record, events);
        } else if (is_side_band(next->type) && !is_data_map(next->type, next->misc)) {
            const auto record = hopper.view();
            if (!record) continue;
            if (const auto event = scan.processes.digest(*record, diagnostics)) {
                timed.push_back({events.event_time(*record), *event});
            }
        }
    }
    chunks.close();
    scan.record_count = hopper.sequence();
    scan.coverage.add_part(records.begin, hopper.stop_offset(), records.end,
                           hopper.stop() != RecordHopper::Stop::at_end);
    report_stop(hopper, records, diagnostics);
    return true;
}

// All parts; nothing if compressed records come up, and then nothing is counted either.
std::optional<Scan> PerfFile::State::scan_parts(Diagnostics& diagnostics, unsigned threads) const {
    Scan scan;
    scan.records_by_type.resize(known_type_limit + 1);
    scan.coverage = coverage_by_header();
    apply_build_ids(scan.processes.mappings());
    std::vector<TimedEvent> timed;
    Diagnostics met;
    for (std::size_t i = 0; i < part_count(); ++i) {
        if (!scan_part(i, scan, timed, met, threads)) return std::nullopt;
    }
    diagnostics.merge(met);
    scan.sample_count = scan.records_by_type[record_sample];
    // Sequence numbers differ, so the order is total: equal times keep the file's order.
    std::sort(timed.begin(), timed.end(),
              [](const TimedEvent& a, const TimedEvent& b) { return a.when < b.when; });
    for (const TimedEvent& event : timed) scan.processes.apply(event.when, event.event);
    diagnostics.merge(scan.processes.diagnostics());
    return scan;
}

// Through mappings, where that may be and nothing is lost meanwhile.
std::optional<Scan> PerfFile::State::scan_files(Diagnostics& diagnostics, unsigned threads) {
    map_files();
    Diagnostics met;
    auto scan = scan_parts(met, threads);
    if (!is_whole()) {
        unmap_files();
        met = {};
        scan = scan_parts(met, threads);
    }
    diagnostics.merge(met);
    return scan;
}

void PerfFile::State::map_files() {
    file.map();
    for (InputFile& other : more_files) other.map();
}

void PerfFile::State::unmap_files() {
    file.unmap();
    for (InputFile& other : more_files) other.unmap();
}

bool PerfFile::State::is_whole() const {
    for (std::size_t i = 0; i < part_count(); ++i) {
        const Part records = part(i);
        const MappedFile* mapped = records.file.mapped();
        if (mapped && !mapped->is_whole(records.end)) return false;
    }
    return true;
}

Result<Scan> PerfFile::scan(Diagnostics& diagnostics, unsigned threads) const {
    State& state = *state_;
    if (!state.streamed) {
        if (auto scan = state.scan_files(diagnostics, threads)) return std::move(*scan);
    }
    Scan scan;
    state.begin_stream(scan, diagnostics);
    state.next_batch(scan, diagnostics);
    return scan;
}

void PerfFile::State::report_stop(const RecordHopper& hopper, const Part& records,
                                  Diagnostics& diagnostics) const {
    switch (hopper.stop()) {
        case RecordHopper::Stop::at_end:
            break;
        case RecordHopper::Stop::cut: {
            // The last record of a file that lost its end is already told of.
            const bool main = &records.file == &file;
            const bool has_end = !main || (header.data.size != 0 &&
                                           data_end == header.data.offset + header.data.size);
            if (has_end) {
                diagnostics.add(main ? Problem::record_size_invalid : Problem::file_truncated,
                                hopper.stop_offset(), main ? std::string() : records.file.path());
            }
            break;
        }
        case RecordHopper::Stop::bad_size:
            diagnostics.add(Problem::record_size_invalid, hopper.stop_offset(),
                            &records.file == &file ? std::string() : records.file.path());
            break;
        case RecordHopper::Stop::read_error:
            diagnostics.add(Problem::file_truncated, hopper.stop_offset(), hopper.read_error());
            break;
    }
}

}  // namespace fgread
