// The header of a recording in pipe format: it comes in records, before and between the others.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "perfdata/diagnostics.h"
#include "perfdata/event_table.h"
#include "perfdata/header.h"
#include "perfdata/process_table.h"
#include "perfdata/record.h"

namespace fgread {

// True of the types that read_header_record understands.
bool is_header_record(std::uint32_t type);

// HEADER_ATTR; nothing if the record is malformed, which is counted.
std::optional<EventAttr> read_header_attr(const RecordView& record, Diagnostics& diagnostics);

// Applies all others: features, build-ids (which `mappings` gets too), names of events.
class PipeHeader {
public:
    void apply(const RecordView& record, EventTable& events, Features& features,
               MappingTable* mappings, Diagnostics& diagnostics);
    // Names the events by what was told of them so far.
    void name_events(const Features& features, EventTable& events) const;

private:
    void apply_feature(const RecordView& record, Features& features, Diagnostics& diagnostics);
    void apply_build_id(const RecordView& record, Features& features, MappingTable* mappings,
                        Diagnostics& diagnostics);
    void apply_update(const RecordView& record, Diagnostics& diagnostics);

    std::vector<std::pair<std::uint64_t, std::string>> names_;  // by id, from EVENT_UPDATE
};

}  // namespace fgread
