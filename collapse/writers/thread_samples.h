// ThreadSamples: the timeline of a profile, thread by thread, for formats that show threads.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "collapse/folded_profile.h"

namespace fgread {

// What one thread did, as one event saw it.
struct ThreadSamples {
    Pid pid;
    Tid tid;
    std::uint32_t event = 0;             // index of the attr
    CommId comm;                         // its name at most of the samples
    std::uint64_t weight = 0;            // sum of `weight_of` its samples
    std::vector<std::uint32_t> samples;  // indices of Profile::timeline, in the order of time
};

// Of the events that are wanted, in the order of first appearance. Wants Profile::timeline.
[[nodiscard]] std::vector<ThreadSamples> thread_samples(const FoldedProfile& folded);

// The number by which the chosen weight of `sample` counts.
[[nodiscard]] inline std::uint64_t weight_of(const TimelineSample& sample,
                                             const WeightChoice& choice) {
    return choice.by_samples ? 1 : sample.period;
}

// True if that is a time in nanoseconds.
[[nodiscard]] bool weighs_time(const FoldedProfile& folded, std::uint32_t event);

}  // namespace fgread
