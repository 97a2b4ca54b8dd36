#include "perfdata/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "perfdata/file_header.h"
#include "perfdata/format.h"
#include "perfdata/perf_file_state.h"
#include "perfdata/record_hopper.h"

namespace fgread {
namespace {

using namespace format;

constexpr std::uint64_t fixed_fields = sample_identifier | sample_ip | sample_tid | sample_time |
                                       sample_addr | sample_id | sample_stream_id | sample_cpu;

bool same_positions(const EventAttr& a, const EventAttr& b) {
    return (a.sample_type & fixed_fields) == (b.sample_type & fixed_fields) &&
           a.has_flag(attr_sample_id_all) == b.has_flag(attr_sample_id_all);
}

bool carries_time(const EventAttr& attr) {
    return (attr.sample_type & sample_time) != 0 && attr.has_flag(attr_sample_id_all);
}

}  // namespace

Error compressed_error(const std::string& path) {
    // perf inject of 6.1 copies compressed records as they are: there is no converting.
    return {ErrorKind::unsupported,
            fmt::format("{}: is compressed (perf record -z), which is not supported; record again "
                        "without -z",
                        path)};
}

PerfFile::PerfFile(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<PerfFile> PerfFile::open(const std::string& path, Diagnostics& diagnostics) {
    auto file = InputFile::open(path);
    if (!file) return file.error();
    return open_input(std::move(file).value(), diagnostics);
}

Result<PerfFile> PerfFile::open_memory(ByteView bytes, std::string name, Diagnostics& diagnostics) {
    return open_input(InputFile::in_memory(bytes, std::move(name)), diagnostics);
}

Result<PerfFile> PerfFile::open_input(InputFile file, Diagnostics& diagnostics) {
    auto state = std::make_unique<State>(std::move(file));
    auto header = read_file_header(state->file, diagnostics);
    if (!header) return header.error();
    state->header = *header;
    const FileSection& data = state->header.data;
    const std::uint64_t room = state->file.size() - data.offset;
    state->data_end = data.offset + (data.size == 0 ? room : std::min(data.size, room));

    auto attrs = read_attrs(state->file, state->header, diagnostics);
    if (!attrs) return attrs.error();
    state->attrs = std::move(attrs).value();
    state->features = read_features(state->file, state->header, diagnostics);
    if (state->begins_compressed()) return compressed_error(state->file.path());
    name_events(state->features.events, state->attrs);

    state->uniform = true;
    state->timed = true;
    for (std::size_t i = 0; i < state->attrs.size(); ++i) {
        const EventAttr& attr = state->attrs[i];
        const SampleLayout& layout = state->layouts.emplace_back(attr);
        for (const std::uint64_t id : attr.ids) state->by_id.insert({id, i});
        if (!same_positions(attr, state->attrs.front())) state->uniform = false;
        if (!carries_time(attr)) state->timed = false;
        const auto known = [&](std::size_t k) {
            return state->layouts[k].event_id_offset() == layout.event_id_offset();
        };
        if (std::none_of(state->id_positions.begin(), state->id_positions.end(), known)) {
            state->id_positions.push_back(i);
        }
    }
    return PerfFile(std::move(state));
}

const std::string& PerfFile::path() const { return state_->file.path(); }
std::uint64_t PerfFile::file_size() const { return state_->file.size(); }
const FileHeader& PerfFile::header() const { return state_->header; }
const Features& PerfFile::features() const { return state_->features; }
const std::vector<EventAttr>& PerfFile::attrs() const { return state_->attrs; }
std::uint64_t PerfFile::data_end() const { return state_->data_end; }
bool PerfFile::has_times() const { return state_->timed; }

std::optional<std::size_t> PerfFile::attr_of_sample(const RecordView& sample) const {
    if (state_->attrs.size() == 1) return 0;
    for (const std::size_t position : state_->id_positions) {
        const SampleLayout& layout = state_->layouts[position];
        // Old perf recorded several events without ids if it had asked the same of each.
        if (!layout.event_id_offset())
            return state_->uniform ? std::optional(position) : std::nullopt;
        const auto id = layout.event_id(sample);
        if (!id) continue;
        if (*id == 0) return position;  // made up by perf, for no event in particular
        const auto found = state_->by_id.find(*id);
        if (found == state_->by_id.end()) continue;
        // By another position's rules this may be any word that happens to equal an id.
        if (state_->layouts[found->second].event_id_offset() == layout.event_id_offset()) {
            return found->second;
        }
    }
    return std::nullopt;
}

const SampleLayout& PerfFile::layout(std::size_t attr_index) const {
    return state_->layouts[attr_index];
}

std::optional<PerfFile::AttrSample> PerfFile::decode_sample(const RecordView& record,
                                                            Diagnostics& diagnostics) const {
    const auto attr = attr_of_sample(record);
    if (!attr) {
        diagnostics.add(Problem::record_unknown_id, record.file_offset);
        return std::nullopt;
    }
    const auto sample = state_->layouts[*attr].decode(record);
    if (!sample) {
        diagnostics.add(Problem::sample_malformed, record.file_offset);
        return std::nullopt;
    }
    return AttrSample{*attr, *sample};
}

const SampleLayout& PerfFile::State::trailer_layout(const RecordView& record) const {
    if (uniform) return layouts.front();
    for (const std::size_t position : id_positions) {
        const auto id = layouts[position].trailer_event_id(record);
        const auto found = id ? by_id.find(*id) : by_id.end();
        if (found != by_id.end()) return layouts[found->second];
    }
    return layouts.front();
}

EventTime PerfFile::event_time(const RecordView& record) const {
    if (!state_->timed) return {record.sequence, record.sequence};
    std::uint64_t time = 0;
    if (record.type == record_sample) {
        const auto attr = state_->uniform ? std::optional<std::size_t>(0) : attr_of_sample(record);
        if (attr) {
            if (const auto key = state_->layouts[*attr].peek(record)) time = key->time.value;
        }
    } else if (const auto trailer = state_->trailer_layout(record).trailer_time(record)) {
        time = trailer->value;
    }
    if (time == ~std::uint64_t{0}) time = 0;
    return {time, record.sequence};
}

void PerfFile::State::apply_build_ids(MappingTable& mappings) const {
    for (const BuildIdEntry& entry : features.build_ids) {
        if (entry.mode == CpuMode::kernel || entry.mode == CpuMode::user) {
            mappings.set_build_id(entry.path, entry.build_id, entry.mode);
        }
    }
}

bool PerfFile::State::begins_compressed() const {
    // The feature alone proves nothing: a tool that rewrites recordings may have decompressed this
    // one; and a recording that was not closed has no features.
    if (!features.compressed && header.data.size != 0) return false;
    RecordHopper hopper(file, header.data.offset, data_end, header.endian);
    while (const auto record = hopper.next()) {
        if (record->type == record_compressed || record->type == record_compressed2) return true;
        if (record->type == record_sample) return false;
    }
    return false;
}

void PerfFile::State::report_stop(const RecordHopper& hopper, Diagnostics& diagnostics) const {
    switch (hopper.stop()) {
        case RecordHopper::Stop::at_end:
            break;
        case RecordHopper::Stop::cut: {
            // The last record of a file that lost its end is already told of.
            const bool has_end =
                header.data.size != 0 && data_end == header.data.offset + header.data.size;
            if (has_end) diagnostics.add(Problem::record_size_invalid, hopper.stop_offset());
            break;
        }
        case RecordHopper::Stop::bad_size:
            diagnostics.add(Problem::record_size_invalid, hopper.stop_offset());
            break;
        case RecordHopper::Stop::read_error:
            diagnostics.add(Problem::file_truncated, hopper.stop_offset(), hopper.read_error());
            break;
    }
}

Result<ByteView> PerfFile::read_chunk(const Chunk& chunk, std::vector<std::byte>& buffer) const {
    const auto size = static_cast<std::size_t>(std::min(chunk.size, state_->file.size()));
    if (buffer.size() < size) buffer.resize(size);
    const auto got = state_->file.read_at(chunk.offset, std::span(buffer).first(size));
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
