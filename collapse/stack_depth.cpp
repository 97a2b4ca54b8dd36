#include "collapse/stack_depth.h"

#include <algorithm>
#include <numeric>

namespace fgread {
namespace {

constexpr std::uint64_t kib = 1024;
// Threads, and KiB of stack that samples of threads lay in: some 10 MB. A program of 1,000 threads
// that all use 64 KiB of stack has half as many.
constexpr std::size_t max_places = 1u << 17;
// A thread has one end of stack, a scheduler of coroutines many; those beyond say nothing new.
constexpr std::size_t max_ends = 16;

std::size_t bucket(std::uint64_t bytes) {
    const std::uint64_t rounded = bytes / kib + (bytes % kib != 0 ? 1 : 0);
    return static_cast<std::size_t>(std::min<std::uint64_t>(rounded, DepthStats::buckets - 1));
}

}  // namespace

std::uint64_t DepthStats::fitting(std::uint64_t dump_bytes) const {
    std::uint64_t count = 0;
    // The last bucket has no upper bound.
    const std::uint64_t whole = std::min<std::uint64_t>(dump_bytes / kib, buckets - 2);
    for (std::size_t i = 0; i <= whole; ++i) count += complete[i] + cut[i];
    return count;
}

std::uint64_t DepthStats::complete_count() const {
    return std::accumulate(complete.begin(), complete.end(), std::uint64_t{0});
}

std::uint64_t DepthStats::complete_needed(double share) const {
    const double wanted = share * static_cast<double>(complete_count());
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets; ++i) {
        seen += complete[i];
        if (seen != 0 && static_cast<double>(seen) >= wanted) return i * kib;
    }
    return 0;
}

void StackDepths::add(const StackDepth& depth) {
    const Thread thread{depth.pid.value, depth.tid.value};
    if (depth.cut) {
        const std::pair key{thread, depth.sp / kib};
        if (cut_.size() >= max_places && !cut_.contains(key)) {
            ++stats_.cut_unknown;
            return;
        }
        Cut& cut = cut_[key];
        ++cut.samples;
        cut.end = std::max(cut.end, depth.end);
        return;
    }
    // A stack that was switched may end below where it began.
    if (depth.end < depth.sp) return;
    ++stats_.complete[bucket(depth.end - depth.sp)];
    if (ends_.size() >= max_places && !ends_.contains(thread)) return;
    std::vector<std::uint64_t>& ends = ends_[thread];
    const auto place = std::lower_bound(ends.begin(), ends.end(), depth.end);
    if (place != ends.end() && *place == depth.end) return;
    if (ends.size() < max_ends) ends.insert(place, depth.end);
}

DepthStats StackDepths::stats() const {
    DepthStats result = stats_;
    for (const auto& [key, cut] : cut_) {
        const auto ends = ends_.find(key.first);
        const std::vector<std::uint64_t> none;
        const std::vector<std::uint64_t>& all = ends == ends_.end() ? none : ends->second;
        // The next end above what was copied: a stack that lies higher is another one.
        const auto end = std::lower_bound(all.begin(), all.end(), cut.end);
        if (end == all.end()) {
            result.cut_unknown += cut.samples;
        } else {
            result.cut[bucket(*end - key.second * kib)] += cut.samples;
        }
    }
    return result;
}

}  // namespace fgread
