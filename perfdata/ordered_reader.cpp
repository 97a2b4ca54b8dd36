#include "perfdata/ordered_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "perfdata/format.h"
#include "perfdata/perf_file_state.h"
#include "perfdata/record_framing.h"
#include "perfdata/record_hopper.h"
#include "perfdata/round_sorter.h"

namespace fgread {
namespace {

// Where a record's body waits until it is its turn: in the file. Held records may be gigabytes.
struct Place {
    std::uint64_t offset = 0;
    std::uint32_t type = 0;
    std::uint16_t misc = 0;
    std::uint16_t size = 0;
};
static_assert(sizeof(RoundSorter<Place>::Item) == 32, "held for each record of two rounds");

// The fields up to the time: identifier, ip, tid, time.
constexpr std::size_t sample_key_size = 4 * 8;

}  // namespace

struct OrderedReader::State {
    State(const PerfFile& perf_file, const PerfFile::State& perf_state, Diagnostics& problems)
        : file(perf_file),
          input(perf_state.file),
          endian(perf_state.header.endian),
          hopper(input, perf_state.header.data.offset, perf_state.data_end, endian),
          diagnostics(problems),
          streamed(perf_state.streamed) {
        perf_state.apply_build_ids(processes.mappings());
        if (!file.has_times()) sorter.finish();  // the file's order is all there is
    }

    const PerfFile& file;
    const InputFile& input;
    Endian endian;
    RecordHopper hopper;
    RoundSorter<Place> sorter;
    ProcessTable processes;
    Diagnostics& diagnostics;
    std::vector<std::byte> body;  // of the record next() gave
    bool at_end = false;

    bool streamed;
    std::optional<Scan> stream;  // of a recording that comes in batches
    std::vector<Item> batch;     // its records by time
    std::size_t next_item = 0;

    std::optional<Item> next_of_stream() {
        while (next_item == batch.size()) {
            if (at_end) return std::nullopt;
            if (!stream) {
                auto first = file.scan(diagnostics);
                if (first) stream.emplace(std::move(first).value());
            } else if (!file.next_batch(*stream, diagnostics)) {
                at_end = true;
            }
            at_end = at_end || !stream;
            sort_batch();
        }
        return batch[next_item++];
    }

    void sort_batch() {
        batch.clear();
        next_item = 0;
        if (at_end) return;
        std::vector<std::byte> unused;
        for (const Chunk& chunk : stream->chunks) {
            const auto bytes = file.read_chunk(chunk, unused);
            RecordCursor cursor = file.records(chunk, bytes ? *bytes : ByteView());
            while (const auto record = cursor.next()) {
                batch.push_back({*record, file.event_time(*record)});
            }
        }
        std::sort(batch.begin(), batch.end(),
                  [](const Item& a, const Item& b) { return a.when < b.when; });
    }

    // Reads one header and lets it wait for its turn; false at the end.
    bool pull() {
        const auto header = hopper.next();
        if (!header) return false;
        // A sample's time is in front; other records carry theirs at the end, and are small.
        const bool sample = header->type == format::record_sample;
        const auto record = hopper.view(sample ? sample_key_size : SIZE_MAX);
        if (!record) return false;
        const std::uint64_t late = sorter.late();
        sorter.push(file.event_time(*record),
                    {header->offset, header->type, header->misc, header->size});
        if (sorter.late() != late) diagnostics.add(Problem::late_record, header->offset);
        if (header->type == format::record_finished_round) sorter.finish_round();
        if (record_type_name(header->type) == "unknown") {
            diagnostics.add(Problem::record_unknown_type, header->offset,
                            fmt::format("type {}", header->type));
        }
        return true;
    }

    std::optional<Item> fetch(const RoundSorter<Place>::Item& next) {
        const Place& place = next.item;
        body.resize(place.size - format::record_header_size);
        const auto got = input.read_at(place.offset + format::record_header_size, body);
        if (!got || *got != body.size()) {
            diagnostics.add(Problem::file_truncated, place.offset,
                            got ? std::string() : got.error().message);
            return std::nullopt;
        }
        Item item;
        item.when = next.when;
        item.record.type = place.type;
        item.record.misc = place.misc;
        item.record.body = body;
        item.record.file_offset = place.offset;
        item.record.sequence = next.when.sequence;
        item.record.endian = endian;
        return item;
    }
};

OrderedReader::OrderedReader(const PerfFile& file, Diagnostics& diagnostics)
    : state_(std::make_unique<State>(file, *file.state_, diagnostics)) {}

std::optional<OrderedReader::Item> OrderedReader::next() {
    State& state = *state_;
    if (state.streamed) return state.next_of_stream();
    auto first = state.sorter.pop();
    while (!first) {
        if (state.at_end) return std::nullopt;
        if (!state.pull()) {
            state.at_end = true;
            state.file.state_->report_stop(state.hopper, state.file.state_->part(0),
                                           state.diagnostics);
            state.sorter.finish();
        }
        first = state.sorter.pop();
    }
    const auto item = state.fetch(*first);
    if (!item) return std::nullopt;
    if (const auto event = state.processes.digest(item->record, state.diagnostics)) {
        state.processes.apply(item->when, *event);
    }
    return item;
}

const ProcessTable& OrderedReader::processes() const {
    return state_->stream ? state_->stream->processes : state_->processes;
}

OrderedReader::~OrderedReader() = default;
OrderedReader::OrderedReader(OrderedReader&&) noexcept = default;
OrderedReader& OrderedReader::operator=(OrderedReader&&) noexcept = default;

}  // namespace fgread
