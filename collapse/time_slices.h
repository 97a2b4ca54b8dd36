// Slices of a recording's time, each a profile of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "collapse/profile.h"
#include "perfdata/result.h"

namespace fgread {

// Each slice is a file: more is a mistake.
inline constexpr std::size_t max_slices = 10'000;

// Into how many, or how long ones, the time is cut; none if both are 0.
struct Slicing {
    std::size_t count = 0;
    std::uint64_t length_ns = 0;
    [[nodiscard]] bool wanted() const { return count != 0 || length_ns != 0; }
};

struct TimeSlice {
    std::size_t number = 0;  // from 1
    std::size_t count = 0;   // of all
    std::uint64_t from = 0;  // ns on the recording's clock
    std::uint64_t to = 0;    // the first ns after it
};

// Cuts the time between the first and the last sample of `events` (by attr) in the timeline, the
// last one's duration included. None if there is no sample. The error: more than max_slices.
Result<std::vector<TimeSlice>> cut_slices(const Profile& profile, const std::vector<bool>& events,
                                          const Slicing& slicing);

// Makes weights and timeline of `profile` those of `slice`. `whole` is the timeline of the
// recording; samples that last (Profile::lasting_event) are cut where the slice begins and ends, so
// that the weights of all slices add up to those of the whole. O(samples).
void use_slice(Profile& profile, const Timeline& whole, const TimeSlice& slice);

}  // namespace fgread
