#include "collapse/time_slices.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace fgread {

namespace {

bool lasts(const Profile& profile, const TimelineSample& sample) {
    return sample.event == profile.lasting_event;
}

// The first ns after the sample.
std::uint64_t end_of(const Profile& profile, const TimelineSample& sample) {
    const std::uint64_t ns = lasts(profile, sample) ? sample.period : 1;
    const std::uint64_t room = std::numeric_limits<std::uint64_t>::max() - sample.when.time;
    return sample.when.time + std::clamp<std::uint64_t>(ns, 1, std::max<std::uint64_t>(room, 1));
}

}  // namespace

Result<std::vector<TimeSlice>> cut_slices(const Profile& profile, const std::vector<bool>& events,
                                          const Slicing& slicing) {
    std::uint64_t begin = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t end = 0;
    for (const TimelineSample& sample : profile.timeline) {
        if (!events[sample.event]) continue;
        begin = std::min(begin, sample.when.time);
        end = std::max(end, end_of(profile, sample));
    }
    if (begin >= end) return std::vector<TimeSlice>{};
    const std::uint64_t span = end - begin;
    std::uint64_t count = slicing.count;
    if (count == 0) count = span / slicing.length_ns + (span % slicing.length_ns == 0 ? 0 : 1);
    if (count > max_slices) {
        return Error{ErrorKind::unsupported,
                     fmt::format("its {:.3f} s would be {} slices; {} are the most",
                                 static_cast<double>(span) / 1e9, count, max_slices)};
    }
    // Of equal length, to the ns: the rest of the division goes to the first ones.
    const auto border = [&](std::uint64_t number) {
        if (slicing.count == 0) return begin + std::min(span, number * slicing.length_ns);
        return begin + span / count * number + std::min(number, span % count);
    };
    std::vector<TimeSlice> slices;
    for (std::uint64_t number = 0; number < count; ++number) {
        slices.push_back({number + 1, count, border(number), border(number + 1)});
    }
    return slices;
}

void use_slice(Profile& profile, const Timeline& whole, const TimeSlice& slice) {
    Timeline part;
    for (TimelineSample sample : whole) {
        if (sample.when.time >= slice.to) break;
        if (end_of(profile, sample) <= slice.from) continue;
        if (lasts(profile, sample)) {
            const std::uint64_t end = std::min(slice.to, sample.when.time + sample.period);
            sample.when.time = std::max(slice.from, sample.when.time);
            sample.period = end - sample.when.time;
        }
        part.push_back(sample);
    }
    profile.timeline = std::move(part);
    weigh(profile, profile.timeline);
}

}  // namespace fgread
