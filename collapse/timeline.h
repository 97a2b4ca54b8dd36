// The timeline of a recording: each sample by itself, in the order of time. For what sums cannot
// tell: formats with times, time off CPU, slices of time.
#pragma once

#include <cstdint>
#include <vector>

#include "collapse/stack_trie.h"
#include "perfdata/address.h"
#include "perfdata/process_table.h"

namespace fgread {

// One sample; of an event group with readings (PERF_SAMPLE_READ), one for each event that counted.
struct TimelineSample {
    EventTime when;            // ns on the recording's clock, see PerfFile::event_time
    std::uint64_t period = 0;  // what it adds to the weight of its stack
    Pid pid;
    Tid tid;
    CommId comm;              // of the thread at that time
    std::uint32_t cpu = 0;    // 0 also if the event does not say (PERF_SAMPLE_CPU)
    StackId stack = 0;        // in Profile::stacks
    std::uint32_t event = 0;  // index of the attr
};
static_assert(sizeof(TimelineSample) == 48);

// By time, then by place in the file: the ring buffers of the processors follow one another in it.
// Their periods add up to those of Profile::weights. 48 bytes of memory a sample.
using Timeline = std::vector<TimelineSample>;

// Puts samples that are in file order into that of a timeline. O(n log n).
void sort_timeline(Timeline& samples);

}  // namespace fgread
