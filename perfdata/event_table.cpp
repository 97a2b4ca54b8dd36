#include "perfdata/event_table.h"

#include <algorithm>

#include "perfdata/format.h"

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

void EventTable::add(EventAttr attr) {
    const std::size_t index = attrs_.size();
    for (const std::uint64_t id : attr.ids) by_id_.insert({id, index});
    attrs_.push_back(std::move(attr));
    const EventAttr& added = attrs_.back();
    const SampleLayout& layout = layouts_.emplace_back(added);
    if (!same_positions(added, attrs_.front())) uniform_ = false;
    if (!carries_time(added)) timed_ = false;
    const auto known = [&](std::size_t k) {
        return layouts_[k].event_id_offset() == layout.event_id_offset();
    };
    if (std::none_of(id_positions_.begin(), id_positions_.end(), known)) {
        id_positions_.push_back(index);
    }
}

void EventTable::set_name(std::size_t index, std::string name) {
    attrs_[index].name = std::move(name);
    layouts_[index] = SampleLayout(attrs_[index]);  // off-CPU events are known by their name
}

std::optional<std::size_t> EventTable::by_id(std::uint64_t id) const {
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::size_t> EventTable::attr_of_sample(const RecordView& sample) const {
    if (attrs_.size() == 1) return 0;
    for (const std::size_t position : id_positions_) {
        const SampleLayout& layout = layouts_[position];
        // Old perf recorded several events without ids if it had asked the same of each.
        if (!layout.event_id_offset()) return uniform_ ? std::optional(position) : std::nullopt;
        const auto id = layout.event_id(sample);
        if (!id) continue;
        if (*id == 0) return position;  // made up by perf, for no event in particular
        const auto found = by_id_.find(*id);
        if (found == by_id_.end()) continue;
        // By another position's rules this may be any word that happens to equal an id.
        if (layouts_[found->second].event_id_offset() == layout.event_id_offset()) {
            return found->second;
        }
    }
    return std::nullopt;
}

const SampleLayout& EventTable::trailer_layout(const RecordView& record) const {
    if (uniform_) return layouts_.front();
    for (const std::size_t position : id_positions_) {
        const auto id = layouts_[position].trailer_event_id(record);
        const auto found = id ? by_id_.find(*id) : by_id_.end();
        if (found != by_id_.end()) return layouts_[found->second];
    }
    return layouts_.front();
}

std::optional<SampleLayout::Key> EventTable::trailer_key(const RecordView& record) const {
    return trailer_layout(record).trailer_key(record);
}

std::optional<std::uint64_t> EventTable::trailer_event_id(const RecordView& record) const {
    return trailer_layout(record).trailer_event_id(record);
}

EventTime EventTable::event_time(const RecordView& record) const {
    if (!has_times()) return {record.sequence, record.sequence};
    std::uint64_t time = 0;
    if (record.type == record_sample) {
        const auto attr = uniform_ ? std::optional<std::size_t>(0) : attr_of_sample(record);
        if (attr) {
            if (const auto key = layouts_[*attr].peek(record)) time = key->time.value;
        }
    } else if (const auto trailer = trailer_layout(record).trailer_time(record)) {
        time = trailer->value;
    }
    if (time == ~std::uint64_t{0}) time = 0;
    return {time, record.sequence};
}

}  // namespace fgread
