#include "perfdata/reader.h"

#include <algorithm>
#include <utility>

#include "perfdata/format.h"
#include "perfdata/perf_file_state.h"

namespace fgread {

PerfFile::PerfFile(std::unique_ptr<State> state) : state_(std::move(state)) {}

const std::string& PerfFile::path() const { return state_->file.path(); }
std::uint64_t PerfFile::file_size() const {
    std::uint64_t size = state_->packed.size() != 0 ? state_->packed.size() : state_->file.size();
    for (const InputFile& part : state_->more_files) size += part.size();
    return std::max(size, state_->pipe_bytes);
}
const FileHeader& PerfFile::header() const { return state_->header; }
const Features& PerfFile::features() const { return state_->features; }
const std::vector<EventAttr>& PerfFile::attrs() const { return state_->events.attrs(); }
bool PerfFile::comes_in_batches() const { return state_->streamed; }
std::uint64_t PerfFile::data_end() const { return state_->data_end; }
void PerfFile::limit_read_ahead(std::uint64_t bytes) {
    const std::uint64_t least = std::uint64_t{4} << 20;
    const std::uint64_t held = std::max(bytes / 8, least);
    state_->max_held = static_cast<std::size_t>(std::min<std::uint64_t>(held, state_->max_held));
}
bool PerfFile::has_times() const { return state_->events.has_times(); }

std::optional<std::size_t> PerfFile::attr_of_sample(const RecordView& sample) const {
    return state_->events.attr_of_sample(sample);
}

std::optional<std::size_t> PerfFile::attr_of_id(std::uint64_t id) const {
    return state_->events.by_id(id);
}

const SampleLayout& PerfFile::layout(std::size_t attr_index) const {
    return state_->events.layout(attr_index);
}

std::optional<PerfFile::AttrSample> PerfFile::decode_sample(const RecordView& record,
                                                            Diagnostics& diagnostics) const {
    const auto attr = attr_of_sample(record);
    if (!attr) {
        diagnostics.add(Problem::record_unknown_id, record.file_offset);
        return std::nullopt;
    }
    const auto sample = layout(*attr).decode(record);
    if (!sample) {
        diagnostics.add(Problem::sample_malformed, record.file_offset);
        return std::nullopt;
    }
    return AttrSample{*attr, *sample};
}

EventTime PerfFile::event_time(const RecordView& record) const {
    return state_->events.event_time(record);
}

std::optional<SampleLayout::Key> PerfFile::trailer_key(const RecordView& record) const {
    return state_->events.trailer_key(record);
}

Coverage PerfFile::State::coverage_by_header() const {
    Coverage coverage;
    const bool pipe = header.size == format::pipe_header_size;
    coverage.end_known = header.data.size != 0;
    if (pipe) return coverage;
    coverage.closed = coverage.end_known;
    if (coverage.closed) {
        coverage.missing_bytes = header.data.size - (data_end - header.data.offset);
    }
    coverage.lost_features = !coverage.closed || (header.has_features() && !features.table_found);
    return coverage;
}

void PerfFile::State::apply_build_ids(MappingTable& mappings) const {
    for (const BuildIdEntry& entry : features.build_ids) {
        if (entry.mode == CpuMode::kernel || entry.mode == CpuMode::user) {
            mappings.set_build_id(entry.path, entry.build_id, entry.mode);
        }
    }
}

std::optional<ByteView> PerfFile::mapped_chunk(const Chunk& chunk) const {
    if (!chunk.bytes.empty()) return std::nullopt;
    const MappedFile* mapped = state_->part(chunk.part).file.mapped();
    const std::uint64_t end = chunk.offset + chunk.size;
    if (!mapped || end > mapped->bytes().size() || !mapped->is_whole(end)) return std::nullopt;
    mapped->begin_reading(chunk.offset, chunk.size);
    return mapped->bytes().subspan(static_cast<std::size_t>(chunk.offset),
                                   static_cast<std::size_t>(chunk.size));
}

bool PerfFile::leave_mapped_chunk(const Chunk& chunk) const {
    const MappedFile& mapped = *state_->part(chunk.part).file.mapped();
    mapped.end_reading(chunk.offset);
    return mapped.is_whole(chunk.offset + chunk.size);
}

void PerfFile::leave_all_chunks() const {
    for (std::size_t i = 0; i < state_->part_count(); ++i) {
        const MappedFile* mapped = state_->part(i).file.mapped();
        if (mapped) mapped->end_all_reading();
    }
}

Result<ByteView> PerfFile::read_chunk(const Chunk& chunk, std::vector<std::byte>& buffer) const {
    if (!chunk.bytes.empty()) return chunk.bytes;
    const InputFile& file = state_->part(chunk.part).file;
    const auto size = static_cast<std::size_t>(std::min(chunk.size, file.size()));
    if (buffer.size() < size) buffer.resize(size);
    const auto got = file.read_at(chunk.offset, std::span(buffer).first(size));
    if (!got) return got.error();
    return ByteView(buffer).first(*got);
}

RecordCursor PerfFile::records(const Chunk& chunk, ByteView bytes) const {
    return RecordCursor(bytes, chunk.offset, chunk.first_sequence, state_->header.endian);
}

PerfFile::~PerfFile() = default;
PerfFile::PerfFile(PerfFile&&) noexcept = default;
PerfFile& PerfFile::operator=(PerfFile&&) noexcept = default;

}  // namespace fgread
