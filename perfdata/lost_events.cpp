#include "perfdata/lost_events.h"

#include <algorithm>

#include "perfdata/event_table.h"
#include "perfdata/format.h"

namespace fgread {

using namespace format;

bool LostEvents::counts(std::uint32_t type) {
    return type == record_lost || type == record_lost_samples;
}

LostEvents::Counts& LostEvents::at(std::size_t attr) {
    if (events_.size() <= attr) events_.resize(attr + 1);
    return events_[attr];
}

void LostEvents::add(const RecordView& record, const EventTable& events) {
    if (record.type == record_lost_samples && (record.misc & misc_lost_samples_bpf) != 0) return;
    ByteReader in(record.body, record.endian);
    const bool own_id = record.type == record_lost;
    const std::uint64_t id = own_id ? in.u64() : events.trailer_event_id(record).value_or(0);
    const std::uint64_t count = in.u64();
    if (!in.ok()) return;
    // An id that no event has: as for other records, the first.
    const std::size_t attr = events.by_id(id).value_or(0);
    const auto count_as = [&](std::uint64_t Counts::*kind) {
        at(attr).*kind += count;
        all_.*kind += count;
    };
    if (own_id) return count_as(&Counts::records);
    const auto key = events.trailer_key(record);
    const bool timed = events.has_times() && key && key->time.value != 0;
    count_as(timed ? &Counts::by_hardware : &Counts::summed_up);
}

void LostEvents::merge(const LostEvents& other) {
    const auto add_to = [](Counts& sum, const Counts& part) {
        sum.records += part.records;
        sum.summed_up += part.summed_up;
        sum.by_hardware += part.by_hardware;
    };
    for (std::size_t i = 0; i < other.events_.size(); ++i) add_to(at(i), other.events_[i]);
    add_to(all_, other.all_);
}

// LOST may hold more than samples, and may be missing at the end of a recording.
std::uint64_t LostEvents::total() const {
    return std::max(all_.records, all_.summed_up) + all_.by_hardware;
}

std::uint64_t LostEvents::of_event(std::size_t attr) const {
    if (attr >= events_.size()) return 0;
    const Counts& event = events_[attr];
    return (all_.summed_up != 0 ? event.summed_up : event.records) + event.by_hardware;
}

}  // namespace fgread
