// The timeline of a recording: each sample by itself, in the order of time. For what sums cannot
// tell: formats with times, time off CPU, slices of time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "collapse/stack_trie.h"
#include "perfdata/address.h"
#include "perfdata/process_table.h"

namespace fgread {

struct Profile;

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

// Puts what is in file order and has a `when` into the order of time. Stable: the events of a group
// have one time and one place. O(n log n).
template <class Timed>
void sort_by_time(std::vector<Timed>& all) {
    std::stable_sort(all.begin(), all.end(),
                     [](const Timed& left, const Timed& right) { return left.when < right.when; });
}

// Makes Profile::weights and ::events those of the samples in `timeline`. `profile` keeps the
// number of its events. O(samples + distinct stacks).
void weigh(Profile& profile, const Timeline& timeline);

}  // namespace fgread
