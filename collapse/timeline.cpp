#include "collapse/timeline.h"

#include "collapse/profile.h"

namespace fgread {

void weigh(Profile& profile, const Timeline& timeline) {
    profile.weights.clear();
    profile.events.assign(profile.events.size(), {});
    // By event, by stack: index in `weights`, + 1.
    std::vector<std::vector<std::uint32_t>> known(profile.events.size());
    for (const TimelineSample& sample : timeline) {
        std::vector<std::uint32_t>& index = known[sample.event];
        if (index.empty()) index.resize(profile.stacks.size(), 0);
        if (index[sample.stack] == 0) {
            profile.weights.push_back({sample.stack, sample.event, 0, 0});
            index[sample.stack] = static_cast<std::uint32_t>(profile.weights.size());
        }
        StackWeight& weight = profile.weights[index[sample.stack] - 1];
        ++weight.samples;
        weight.period += sample.period;
        ++profile.events[sample.event].samples;
        profile.events[sample.event].period += sample.period;
    }
}

}  // namespace fgread
