#include "perfdata/stream_batches.h"

#include <fmt/format.h>

#include <algorithm>

#include "perfdata/format.h"
#include "perfdata/pipe_header.h"
#include "perfdata/reader.h"
#include "perfdata/record_framing.h"
#include "perfdata/side_band.h"

namespace fgread {
namespace {

using namespace format;

// Enough blocks to keep several workers busy, few enough that memory stays small.
constexpr std::size_t usual_batch_bytes = std::size_t{16} << 20;

// What may wait for each byte of the stream, and at its beginning. Stacks are packed to a tenth; a
// recording of 9 KB that unpacks to 90 MB, of which everything waits, is no recorder's.
constexpr std::uint64_t waiting_per_byte = 8;
constexpr std::size_t least_waiting = std::size_t{8} << 20;

// What a record that waits takes: the body is a piece of the heap.
std::size_t size_of(const KeptRecord& record) { return sizeof record + record.body.size() + 16; }

KeptRecord keep(const RecordView& record, EventTime when) {
    KeptRecord kept;
    kept.when = when;
    kept.body.assign(record.body.begin(), record.body.end());
    kept.view = record;
    kept.view.body = kept.body;  // moving a vector does not move its bytes
    return kept;
}

}  // namespace

StreamBatches::StreamBatches(RecordBlocks blocks, std::vector<RecordBlock> first, EventTable events,
                             StreamOptions options)
    : blocks_(std::move(blocks)), events_(std::move(events)), options_(options) {
    for (RecordBlock& block : first) first_.push_back(std::move(block));
    open_.records_by_type.resize(known_type_limit + 1);
}

std::optional<RecordBlock> StreamBatches::read_block() {
    header_known_ = !first_.empty();
    if (first_.empty()) return blocks_.next();
    RecordBlock block = std::move(first_.front());
    first_.pop_front();
    return block;
}

std::size_t StreamBatches::max_waiting() const {
    const std::uint64_t taken = least_waiting + waiting_per_byte * blocks_.taken_bytes();
    return static_cast<std::size_t>(std::min<std::uint64_t>(options_.max_held, taken));
}

std::size_t StreamBatches::batch_bytes() const {
    return std::min(usual_batch_bytes, max_waiting() / 2);
}

std::optional<StreamBatch> StreamBatches::next() {
    while (!at_end_ && ready_bytes() < batch_bytes()) {
        if (held_bytes_ + waiting_bytes_ > max_waiting()) return release(held_bytes_ / 2);
        auto block = read_block();
        if (block) {
            index(std::move(*block));
        } else {
            at_end_ = true;
            may_go_ = UINT64_MAX;
        }
    }
    // The end may bring side-band, or only counts, without a sample.
    const bool something = !held_.empty() || !waiting_.empty() || !open_.header.empty() ||
                           !open_.records_by_type.empty();
    if (!something) return std::nullopt;
    StreamBatch batch = release(batch_bytes());
    if (at_end_ && held_.empty()) open_.records_by_type.clear();
    return batch;
}

void StreamBatches::index(RecordBlock block) {
    Held held;
    RecordCursor cursor(block.bytes(), block.offset, block.first_sequence, blocks_.endian());
    while (const auto record = cursor.next()) note(*record, held);
    if (options_.side_band_only) return;
    held_bytes_ += block.size;
    held.block = std::move(block);
    held_.push_back(std::move(held));
}

void StreamBatches::note(const RecordView& record, Held& held) {
    ++open_.records_by_type[std::min(record.type, known_type_limit)];
    if (record.type == record_finished_round) return finish_round();
    if (options_.pipe && is_header_record(record.type)) {
        if (header_known_) return;
        if (record.type == record_header_attr) {
            // Counted where the batch is used.
            Diagnostics ignored;
            if (auto attr = read_header_attr(record, ignored)) events_.add(std::move(*attr));
        }
        open_.header.push_back(keep(record, {}));
        return;
    }
    if (record.type >= record_first_of_tool) {
        if (record_type_name(record.type) != "unknown") return;
        open_.diagnostics.add(Problem::record_unknown_type, record.file_offset,
                              fmt::format("type {}", record.type));
        return;
    }
    if (events_.size() == 0) return;
    const EventTime when = events_.event_time(record);
    latest_ = std::max(latest_, when.time);
    if (record.type == record_sample || record.type == record_callchain_deferred) {
        held.latest = std::max(held.latest, when.time);
    } else {
        note_side_band(record, when);
    }
}

void StreamBatches::note_side_band(const RecordView& record, EventTime when) {
    if (LostEvents::counts(record.type)) {
        open_.lost.add(record, events_);
    } else if (is_side_band(record.type) && !is_data_map(record.type, record.misc)) {
        if (options_.samples_only) return;
        if (when.time != 0 && when.time < released_) {
            open_.diagnostics.add(Problem::late_record, record.file_offset);
        }
        waiting_.push_back(keep(record, when));
        waiting_bytes_ += size_of(waiting_.back());
    } else if (record_type_name(record.type) == "unknown") {
        open_.diagnostics.add(Problem::record_unknown_type, record.file_offset,
                              fmt::format("type {}", record.type));
    }
}

void StreamBatches::finish_round() {
    may_go_ = std::max(may_go_, latest_at_mark_);
    latest_at_mark_ = latest_;
}

// How much of what waits, from the oldest block on, may go; counted only as far as it matters.
std::size_t StreamBatches::ready_bytes() const {
    const bool unordered = !events_.has_times() || options_.samples_only;
    std::size_t bytes = 0;
    for (const Held& held : held_) {
        if (!unordered && held.latest > may_go_) break;
        bytes += held.block.size;
        if (bytes >= batch_bytes()) break;
    }
    return bytes;
}

// Where side-band comes without samples, its older half goes before anything needs it. That does no
// harm: what was mapped when stays known. Only what is older still and comes later is late.
void StreamBatches::release_side_band() {
    if (waiting_bytes_ <= max_waiting() / 2) return;
    const auto middle = waiting_.begin() + static_cast<std::ptrdiff_t>(waiting_.size() / 2);
    std::nth_element(waiting_.begin(), middle, waiting_.end(),
                     [](const KeptRecord& a, const KeptRecord& b) { return a.when < b.when; });
    released_ = std::max(released_, middle->when.time);
}

// The oldest blocks, `bytes` of them or a little more, and all side-band up to their times.
StreamBatch StreamBatches::release(std::size_t bytes) {
    StreamBatch batch = std::move(open_);
    open_ = {};
    open_.records_by_type.resize(known_type_limit + 1);
    batch.records_by_type[record_compressed] += blocks_.compressed_records() - compressed_records_;
    compressed_records_ = blocks_.compressed_records();
    batch.input_bytes = blocks_.input_bytes();

    std::size_t taken = 0;
    while (!held_.empty() && taken < bytes) {
        Held& held = held_.front();
        taken += held.block.size;
        released_ = std::max(released_, held.latest);
        batch.blocks.push_back(std::move(held.block));
        held_.pop_front();
    }
    held_bytes_ -= taken;
    released_ = std::max(released_, may_go_);
    release_side_band();

    const bool all = !events_.has_times();
    const auto later = std::partition(waiting_.begin(), waiting_.end(), [&](const KeptRecord& k) {
        return all || k.when.time <= released_;
    });
    batch.side_band.assign(std::make_move_iterator(waiting_.begin()),
                           std::make_move_iterator(later));
    waiting_.erase(waiting_.begin(), later);
    for (const KeptRecord& record : batch.side_band) waiting_bytes_ -= size_of(record);
    std::sort(batch.side_band.begin(), batch.side_band.end(),
              [](const KeptRecord& a, const KeptRecord& b) { return a.when < b.when; });
    return batch;
}

}  // namespace fgread
