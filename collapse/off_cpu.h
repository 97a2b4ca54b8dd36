// Time off CPU: how long threads waited, and where.
//
// A sample that is taken when a thread leaves its processor (sched:sched_switch, context-switches)
// has the stack that the thread waits in. Here it gets the time until the thread runs again as its
// period, which turns a count of switches into a picture of where the time goes.
//
//      sample   out            in   sample   out          in
//   ----|--------|             |-------|------|           |----------   one thread on the CPU
//                |<-- wait 1 ->|              |<- wait 2 ->|
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "collapse/profile.h"
#include "collapse/sample_filter.h"
#include "perfdata/result.h"
#include "perfdata/sample.h"

namespace fgread {

// Which times a profile is made of.
enum class TimeKind : std::uint8_t {
    recorded,  // what the events count
    off_cpu,   // that between a thread's leaving its processor and its coming back
    wall,      // the same, and that on the processor by samples of a clock
};

// The name that perf gives to the event of its own such samples (perf record --off-cpu).
inline constexpr std::string_view off_cpu_event = "offcpu-time";

struct WaitTotal {
    std::uint64_t waits = 0;
    std::uint64_t ns = 0;
};

// What became of the time off CPU; all of it belongs to the samples that are selected.
struct OffCpuStats {
    bool wanted = false;
    WaitTotal blocked;    // waited for something
    WaitTotal preempted;  // could have gone on: other threads had the processor
    WaitTotal unknown;    // the recording does not say which of the two
    // Of these:
    WaitTotal until_sample;  // nothing says when it came back: its next sample or its end tells
    WaitTotal until_end;     // it did not come back: the recording's end ends it
    // Not of these: threads that left without a sample, and those that were away at the beginning.
    WaitTotal without_stack;
    std::uint64_t away_at_start = 0;
    std::uint64_t unread_switches = 0;  // samples of sched:sched_switch, payload not understood
};

// "1.010 s off CPU in 41 waits: 1.005 s in 40 blocked, 0.005 s in 1 preempted"
std::string off_cpu_text(const OffCpuStats& stats);

struct OffCpuResult {
    OffCpuStats stats;
    std::vector<bool> events;  // by attr: what the profile is made of now
};

// Makes the weights and the timeline of `profile` those of the time of `kind` (not `recorded`), in
// ns. `profile` was aggregated with a timeline and switches and without a filter by time:
// `selection` is that filter, and cuts what lasts longer. `attrs` are those of the recording;
// samples of the one that stands for time off CPU last from their time on, and it is renamed to
// off_cpu_event. The error says what the recording lacks. O(samples and switches).
Result<OffCpuResult> weigh_off_cpu(Profile& profile, std::vector<EventAttr>& attrs, TimeKind kind,
                                   const SampleFilter& selection);

}  // namespace fgread
