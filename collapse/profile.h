// Profile: a recording, aggregated: distinct frames, distinct stacks, what each weighs.
//
// Independent of names: frames are (module, offset). It is what aggregate() makes of a recording
// and what the writers, with FrameNames, make output of.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collapse/grouping.h"
#include "collapse/stack_depth.h"
#include "collapse/stack_tables.h"
#include "collapse/stack_trie.h"
#include "collapse/timeline.h"
#include "collapse/unreal_frames.h"
#include "perfdata/address.h"
#include "perfdata/thread_switch.h"
#include "unwind/frame_table.h"
#include "unwind/walker.h"

namespace fgread {

// Weight of one stack for one event.
struct StackWeight {
    StackId stack = 0;
    std::uint32_t event = 0;  // index of the attr
    std::uint64_t samples = 0;
    std::uint64_t period =
        0;  // sum of the samples' periods, in the event's unit (ns for cpu-clock)
};

struct EventTotal {
    std::uint64_t samples = 0;
    std::uint64_t period = 0;
};

// How many walks ended in which module, and why.
struct StopCount {
    ModuleId module;
    StopReason reason = StopReason::complete;
    std::uint64_t samples = 0;
};

struct Profile : StackTables {
    std::vector<StackWeight> weights;  // by order of first appearance
    std::vector<EventTotal> events;    // by attr
    std::vector<StopCount> stops;      // by module, then reason

    std::uint64_t sample_count = 0;
    std::uint64_t frame_count = 0;       // over all samples, user and kernel
    std::uint64_t guest_samples = 0;     // left out
    std::uint64_t filtered_samples = 0;  // left out, as the SampleFilter says
    std::array<std::uint64_t, stop_reason_count> stop_reasons{};
    std::uint64_t frame_pointer_frames = 0;  // found without a rule, by frame pointers
    std::uint64_t analysed_frames = 0;       // and by decoding the code
    std::uint64_t chain_frames = 0;          // and in the chain recorded beside the stack
    DepthStats depths;                       // if AggregateOptions::stack_depths
    Timeline timeline;                       // if AggregateOptions::timeline
    // If AggregateOptions::switches: of all threads, by time, then by place in the file; the time
    // of the last record; samples of sched:sched_switch whose payload could not be read.
    std::vector<ThreadSwitch> switches;
    TimestampNs end;
    std::uint64_t unread_switches = 0;
    // Index of the attr whose samples in the timeline last for their period, in ns, from their time
    // on; see off_cpu.h.
    std::optional<std::uint32_t> lasting_event;
    std::uint64_t stitched_frames = 0;  // part of frame_count: taken from other samples
    std::uint64_t longer_samples = 0;   // still truncated, but with frames of other samples
};

}  // namespace fgread
