#include "collapse/writers/thread_samples.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace fgread {

std::vector<ThreadSamples> thread_samples(const FoldedProfile& folded) {
    using Key = std::tuple<Pid, Tid, std::uint32_t>;
    std::map<Key, std::size_t> known;
    std::vector<ThreadSamples> threads;
    std::vector<std::map<CommId, std::size_t>> names;  // by thread: how often it had each
    const Timeline& timeline = folded.profile.timeline;
    for (std::size_t i = 0; i < timeline.size(); ++i) {
        const TimelineSample& sample = timeline[i];
        if (!folded.weights.events[sample.event]) continue;
        const auto [entry, added] =
            known.try_emplace({sample.pid, sample.tid, sample.event}, threads.size());
        if (added) {
            threads.push_back({sample.pid, sample.tid, sample.event, sample.comm, 0, {}});
            names.emplace_back();
        }
        ThreadSamples& thread = threads[entry->second];
        thread.weight += weight_of(sample, folded.weights);
        thread.samples.push_back(static_cast<std::uint32_t>(i));
        ++names[entry->second][sample.comm];
    }
    for (std::size_t i = 0; i < threads.size(); ++i) {
        const auto most =
            std::max_element(names[i].begin(), names[i].end(),
                             [](const auto& a, const auto& b) { return a.second < b.second; });
        threads[i].comm = most->first;
    }
    return threads;
}

bool weighs_time(const FoldedProfile& folded, std::uint32_t event) {
    return !folded.weights.by_samples && period_unit(folded.attrs[event]) == "nanoseconds";
}

}  // namespace fgread
