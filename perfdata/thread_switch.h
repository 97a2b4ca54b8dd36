// ThreadSwitch: a thread gets a processor, or leaves it, as records and tracepoints say.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "perfdata/address.h"
#include "perfdata/byte_reader.h"
#include "perfdata/record.h"
#include "perfdata/sample.h"

namespace fgread {

struct ThreadSwitch {
    enum class Kind : std::uint8_t {
        in,         // it runs from now on
        blocked,    // it leaves and waits for something
        preempted,  // it leaves but could go on: another thread got the processor
        gone,       // it leaves for ever: it is dead
        ended,      // it runs and exits
        started,    // it is new and has not run yet
    };
    EventTime when;
    Tid tid;
    Kind kind = Kind::in;
};
static_assert(sizeof(ThreadSwitch) == 24);

// By a PERF_RECORD_SWITCH, SWITCH_CPU_WIDE (perf record --switch-events), FORK or EXIT; nothing if
// it is another record, malformed, or made up by perf for what was there when it began. `tid` is
// that of the record's trailer.
[[nodiscard]] std::optional<ThreadSwitch> decode_thread_switch(const RecordView& record, Tid tid,
                                                               EventTime when);

// Whether the payload of the event's samples is that of the tracepoint sched:sched_switch.
[[nodiscard]] bool is_sched_switch(const EventAttr& attr);

// Who leaves and who comes, by the payload (SampleView::raw) of a sample of such an event. Its
// layout is that of x86-64 (include/trace/events/sched.h), which has not changed since
// Linux 2.6.35; it is checked against what is in it twice: the number of the event, and the thread.
// Nothing if that does not agree, and if the payload counts threads in another pid namespace than
// the sample.
[[nodiscard]] std::optional<std::pair<ThreadSwitch, ThreadSwitch>> decode_sched_switch(
    const EventAttr& attr, const SampleView& sample, Endian endian, EventTime when);

}  // namespace fgread
