// EventTable: the events of a recording, and which of them a record belongs to.
//
// Copyable: the thread that reads a stream and the one that uses it have one each.
#pragma once

#include <tsl/robin_map.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "perfdata/address.h"
#include "perfdata/record.h"
#include "perfdata/sample.h"

namespace fgread {

// Const calls are safe from several threads while nobody calls the others.
class EventTable {
public:
    void add(EventAttr attr);
    // Gives an attr its name; of an index below size().
    void set_name(std::size_t index, std::string name);

    [[nodiscard]] std::size_t size() const { return attrs_.size(); }
    [[nodiscard]] const std::vector<EventAttr>& attrs() const { return attrs_; }
    [[nodiscard]] const SampleLayout& layout(std::size_t index) const { return layouts_[index]; }
    // The attr that has this id.
    [[nodiscard]] std::optional<std::size_t> by_id(std::uint64_t id) const;

    // See PerfFile.
    [[nodiscard]] bool has_times() const { return timed_ && !attrs_.empty(); }
    [[nodiscard]] std::optional<std::size_t> attr_of_sample(const RecordView& sample) const;
    [[nodiscard]] EventTime event_time(const RecordView& record) const;
    [[nodiscard]] std::optional<SampleLayout::Key> trailer_key(const RecordView& record) const;
    [[nodiscard]] std::optional<std::uint64_t> trailer_event_id(const RecordView& record) const;

private:
    // Which SampleLayout fits a record of the kernel that is not a SAMPLE.
    [[nodiscard]] const SampleLayout& trailer_layout(const RecordView& record) const;

    std::vector<EventAttr> attrs_;
    std::vector<SampleLayout> layouts_;                 // one for each attr
    tsl::robin_map<std::uint64_t, std::size_t> by_id_;  // index into attrs_
    // Indices of attrs that between them have every position an id can be at; one in real files.
    std::vector<std::size_t> id_positions_;
    bool uniform_ = true;  // all attrs have the same fixed fields: any layout finds time and id
    bool timed_ = true;    // all records of the kernel carry a time
};

}  // namespace fgread
