// PerfFile::scan and next_batch for recordings that come in batches (reader.h).
#include <algorithm>

#include "perfdata/format.h"
#include "perfdata/perf_file_state.h"

namespace fgread {

using namespace format;

namespace {

void add_counts(const StreamBatch& batch, Scan& scan) {
    for (std::size_t type = 0; type < batch.records_by_type.size(); ++type) {
        scan.records_by_type[type] += batch.records_by_type[type];
        scan.record_count += batch.records_by_type[type];
    }
    scan.sample_count = scan.records_by_type[record_sample];
    scan.lost.merge(batch.lost);
}

}  // namespace

RecordBlocks PerfFile::State::part_blocks(std::size_t index, std::uint64_t sequence) const {
    const Part records = part(index);
    return RecordBlocks(file_range(records.file, records.begin, records.end), records.begin,
                        sequence, header.endian, false);
}

void PerfFile::State::begin_stream(Scan& scan, Diagnostics& diagnostics) {
    scan.records_by_type.resize(known_type_limit + 1);
    scan.coverage = coverage_by_header();
    apply_build_ids(scan.processes.mappings());
    ended = false;
    streamed_part = 0;
    bytes_of_earlier_parts = 0;
    StreamOptions options;
    options.max_held = max_held;
    if (used_up) {
        ended = true;
        return;
    }
    used_up = blocks || source;
    if (blocks) {
        options.pipe = true;
        stream = std::make_unique<RecordStream>(
            StreamBatches(std::move(*blocks), std::move(first), events, options));
        blocks.reset();
        return;
    }
    if (source) {
        RecordBlocks unpacked(std::move(source), header.data.offset, 0, header.endian, false);
        stream =
            std::make_unique<RecordStream>(StreamBatches(std::move(unpacked), {}, events, options));
        return;
    }
    // The files of a directory have no marks between them that would say when side-band is
    // complete: theirs is read first, which unpacks them twice.
    options.samples_only = part_count() > 1;
    if (options.samples_only) collect_side_band(scan, diagnostics);
    stream = std::make_unique<RecordStream>(StreamBatches(part_blocks(0, 0), {}, events, options));
}

void PerfFile::State::collect_side_band(Scan& scan, Diagnostics& diagnostics) {
    StreamOptions options;
    options.side_band_only = true;
    std::uint64_t sequence = 0;
    std::vector<TimedEvent> timed;
    for (std::size_t i = 0; i < part_count(); ++i) {
        StreamBatches batches(part_blocks(i, sequence), {}, events, options);
        while (const auto taken = batches.next()) {
            for (const KeptRecord& record : taken->side_band) {
                if (const auto event = scan.processes.digest(record.view, diagnostics)) {
                    timed.push_back({record.when, *event});
                }
            }
        }
        sequence = batches.blocks().next_sequence();
    }
    std::sort(timed.begin(), timed.end(),
              [](const TimedEvent& a, const TimedEvent& b) { return a.when < b.when; });
    for (const TimedEvent& event : timed) scan.processes.apply(event.when, event.event);
}

bool PerfFile::State::next_batch(Scan& scan, Diagnostics& diagnostics) {
    scan.chunks.clear();
    while (stream && !ended) {
        if (auto taken = stream->next()) {
            apply(*taken, scan, diagnostics);
            batch = std::move(*taken);
            return true;
        }
        report_stop(stream->blocks(), diagnostics);
        add_coverage(stream->blocks(), scan.coverage);
        pipe_bytes = stream->blocks().stop_offset();
        bytes_of_earlier_parts += stream->blocks().input_bytes();
        if (++streamed_part < part_count()) {
            StreamOptions options;
            options.max_held = max_held;
            options.samples_only = true;
            const std::uint64_t sequence = stream->blocks().next_sequence();
            stream = std::make_unique<RecordStream>(
                StreamBatches(part_blocks(streamed_part, sequence), {}, events, options));
            continue;
        }
        ended = true;
        batch = {};
        diagnostics.merge(scan.processes.diagnostics());
    }
    return false;
}

void PerfFile::State::apply(StreamBatch& taken, Scan& scan, Diagnostics& diagnostics) {
    for (const KeptRecord& record : taken.header) {
        pipe_header.apply(record.view, events, features, &scan.processes.mappings(), diagnostics);
    }
    if (!taken.header.empty()) pipe_header.name_events(features, events);
    for (const KeptRecord& record : taken.side_band) {
        if (const auto event = scan.processes.digest(record.view, diagnostics)) {
            scan.processes.apply(record.when, *event);
        }
    }
    for (const RecordBlock& block : taken.blocks) {
        scan.chunks.push_back({block.offset, block.size, block.first_sequence,
                               static_cast<std::uint32_t>(streamed_part), block.bytes()});
    }
    add_counts(taken, scan);
    const bool has_size = file.size() != 0 && packed.size() == 0;
    if (has_size) scan.input_bytes = bytes_of_earlier_parts + taken.input_bytes;
    diagnostics.merge(taken.diagnostics);
}

void PerfFile::State::report_stop(const RecordBlocks& read, Diagnostics& diagnostics) const {
    const std::uint64_t offset = read.stop_offset();
    const bool pipe = header.size == pipe_header_size;
    // The last record of a file that lost its end is already told of.
    const bool end_known =
        header.data.size != 0 && data_end == header.data.offset + header.data.size;
    switch (read.stop()) {
        case RecordBlocks::Stop::at_end:
            break;
        case RecordBlocks::Stop::cut:
            if (pipe || end_known) diagnostics.add(Problem::stream_cut, offset);
            break;
        case RecordBlocks::Stop::bad_size:
            diagnostics.add(Problem::record_size_invalid, offset);
            break;
        case RecordBlocks::Stop::garbage:
            diagnostics.add(Problem::stream_garbage, offset);
            break;
        case RecordBlocks::Stop::damaged_compression:
            diagnostics.add(Problem::compression_damaged, offset, read.stop_detail());
            break;
        case RecordBlocks::Stop::read_error:
            diagnostics.add(Problem::stream_cut, offset, read.stop_detail());
            break;
    }
}

void PerfFile::State::add_coverage(const RecordBlocks& read, Coverage& coverage) const {
    const bool stopped = read.stop() != RecordBlocks::Stop::at_end;
    const bool pipe = header.size == pipe_header_size;
    const std::uint64_t begin = pipe ? pipe_header_size : part(streamed_part).begin;
    const std::uint64_t stop = begin + read.consumed_bytes();
    if (!pipe || file.size() != 0) {
        coverage.add_part(begin, stop, pipe ? file.size() : part(streamed_part).end, stopped);
        return;
    }
    coverage.add_part(begin, stop, stop + read.left_bytes(), stopped);
    // Nobody reads on behind damage.
    const bool to_end = !stopped || read.stop() == RecordBlocks::Stop::cut;
    if (!to_end) coverage.unread_bytes.reset();
}

bool PerfFile::next_batch(Scan& scan, Diagnostics& diagnostics) const {
    return state_->next_batch(scan, diagnostics);
}

}  // namespace fgread
