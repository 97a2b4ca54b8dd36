#include "collapse/timeline.h"

#include <algorithm>

namespace fgread {

void sort_timeline(Timeline& samples) {
    // Stable: the events of a group have one time and one place.
    std::stable_sort(samples.begin(), samples.end(),
                     [](const TimelineSample& left, const TimelineSample& right) {
                         return left.when < right.when;
                     });
}

}  // namespace fgread
