#include "perfdata/pipe_header.h"

#include <algorithm>

#include "perfdata/file_header.h"
#include "perfdata/format.h"

namespace fgread {
namespace {

using namespace format;

// One for each event and CPU type of a hybrid machine; what is more is no recorder's.
constexpr std::size_t max_names = 65536;
constexpr std::uint64_t update_name = 2;  // PERF_EVENT_UPDATE__NAME

void count_malformed(const RecordView& record, Diagnostics& diagnostics) {
    diagnostics.add(Problem::feature_malformed, record.file_offset, record_type_name(record.type));
}

}  // namespace

bool is_header_record(std::uint32_t type) {
    return type == record_header_attr || type == record_header_feature ||
           type == record_header_build_id || type == record_event_update;
}

std::optional<EventAttr> read_header_attr(const RecordView& record, Diagnostics& diagnostics) {
    ByteReader in(record.body, record.endian);
    in.skip(4);  // type
    std::uint64_t size = in.u32();
    if (size == 0) size = first_attr_size;
    in.seek(0);
    const ByteView bytes = in.bytes(size);
    if (!in.ok() || size < first_attr_size) {
        count_malformed(record, diagnostics);
        return std::nullopt;
    }
    EventAttr attr = parse_attr(bytes, record.endian);
    const U64View ids(in.bytes(in.remaining()), record.endian);
    for (std::size_t i = 0; i < ids.size(); ++i) attr.ids.push_back(ids[i]);
    return attr;
}

void PipeHeader::apply(const RecordView& record, EventTable& events, Features& features,
                       MappingTable* mappings, Diagnostics& diagnostics) {
    switch (record.type) {
        case record_header_attr:
            if (auto attr = read_header_attr(record, diagnostics)) events.add(std::move(*attr));
            break;
        case record_header_feature:
            apply_feature(record, features, diagnostics);
            break;
        case record_header_build_id:
            apply_build_id(record, features, mappings, diagnostics);
            break;
        case record_event_update:
            apply_update(record, diagnostics);
            break;
        default:
            break;
    }
}

void PipeHeader::apply_feature(const RecordView& record, Features& features,
                               Diagnostics& diagnostics) {
    ByteReader in(record.body, record.endian);
    const std::uint64_t bit = in.u64();
    if (in.ok() && in.at_end()) return;  // marks the end of the features, or one without content
    if (bit >= feature_limit) return;
    read_feature(static_cast<unsigned>(bit), in, features);
    if (!in.ok()) count_malformed(record, diagnostics);
}

void PipeHeader::apply_build_id(const RecordView& record, Features& features,
                                MappingTable* mappings, Diagnostics& diagnostics) {
    ByteReader body(record.body, record.endian);
    auto entry = read_build_id(record.misc, body);
    if (!entry) {
        if (!body.ok()) count_malformed(record, diagnostics);
        return;
    }
    const bool host = entry->mode == CpuMode::kernel || entry->mode == CpuMode::user;
    if (mappings != nullptr && host) {
        mappings->set_build_id(entry->path, entry->build_id, entry->mode);
    }
    features.build_ids.push_back(std::move(*entry));
}

void PipeHeader::apply_update(const RecordView& record, Diagnostics& diagnostics) {
    ByteReader in(record.body, record.endian);
    const std::uint64_t kind = in.u64();
    const std::uint64_t id = in.u64();
    if (kind != update_name || names_.size() == max_names) return;
    const std::string_view name = in.c_string();
    if (!in.ok()) return count_malformed(record, diagnostics);
    names_.emplace_back(id, name);
}

void PipeHeader::name_events(const Features& features, EventTable& events) const {
    std::vector<EventAttr> attrs = events.attrs();
    fgread::name_events(features.events, attrs);
    for (std::size_t i = 0; i < attrs.size(); ++i) events.set_name(i, attrs[i].name);
    for (const auto& [id, name] : names_) {
        if (const auto index = events.by_id(id)) events.set_name(*index, name);
    }
}

}  // namespace fgread
