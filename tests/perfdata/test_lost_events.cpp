#include "perfdata/lost_events.h"

#include <doctest/doctest.h>

#include "perfdata/event_table.h"
#include "perfdata/format.h"
#include "support/perf_builder.h"

using namespace fgread;
using namespace fgread::test;

namespace {

// Events of ids 100 and 200.
EventTable two_events() {
    EventTable events;
    events.add(cpu_clock_event());
    EventAttr second = cpu_clock_event();
    second.ids = {200};
    events.add(second);
    return events;
}

void add(LostEvents& lost, const EventTable& events, std::uint32_t type, const Bytes& body,
         std::uint16_t misc = 0) {
    RecordView record;
    record.type = type;
    record.misc = misc;
    record.body = body.data();
    lost.add(record, events);
}

// Trailer: tid, time, identifier.
Bytes samples(std::uint64_t count, std::uint64_t time, std::uint64_t id) {
    return Bytes().u64(count).i32(7).i32(7).u64(time).u64(id);
}

Bytes records(std::uint64_t id, std::uint64_t count) {
    return Bytes().u64(id).u64(count).i32(7).i32(7).u64(5).u64(100);
}

}  // namespace

TEST_CASE("LOST counts for the event of its id") {
    LostEvents lost;
    const EventTable events = two_events();
    add(lost, events, format::record_lost, records(200, 5));
    add(lost, events, format::record_lost, records(100, 1));
    add(lost, events, format::record_lost, records(4711, 2));
    CHECK(lost.total() == 8);
    CHECK(lost.of_event(0) == 3);
    CHECK(lost.of_event(1) == 5);
    CHECK(lost.of_event(2) == 0);
}

TEST_CASE("what perf record sums up at its end is not lost twice") {
    LostEvents lost;
    const EventTable events = two_events();
    add(lost, events, format::record_lost, records(100, 10));
    add(lost, events, format::record_lost_samples, samples(4, 0, 100));
    add(lost, events, format::record_lost_samples, samples(5, 0, 200));
    CHECK(lost.total() == 10);
    CHECK(lost.of_event(0) == 4);
    CHECK(lost.of_event(1) == 5);
}

TEST_CASE("samples that the hardware lost come on top") {
    LostEvents lost;
    const EventTable events = two_events();
    add(lost, events, format::record_lost, records(200, 10));
    add(lost, events, format::record_lost_samples, samples(4, 55, 200));
    LostEvents other;
    add(other, events, format::record_lost_samples, samples(7, 0, 200));
    lost.merge(other);
    CHECK(lost.total() == 14);
    CHECK(lost.of_event(1) == 11);
}

TEST_CASE("what a BPF filter did not want, and what is cut, is not lost") {
    LostEvents lost;
    const EventTable events = two_events();
    add(lost, events, format::record_lost_samples, samples(4, 0, 100),
        format::misc_lost_samples_bpf);
    add(lost, events, format::record_lost, Bytes().u64(100));
    add(lost, events, format::record_lost_samples, Bytes());
    CHECK(lost.total() == 0);
    CHECK(LostEvents::counts(format::record_lost));
    CHECK_FALSE(LostEvents::counts(format::record_sample));
}
