// Progress: how far a fold is, for whoever wants to show it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

namespace fgread {

enum class ProgressStage : std::uint8_t {
    reading,  // and walking; units are bytes of the input
    naming,   // units are distinct frames
};

struct Progress {
    ProgressStage stage = ProgressStage::reading;
    std::uint64_t done = 0;     // units
    std::uint64_t total = 0;    // units; 0: not known (a pipe, a packed file)
    std::uint64_t samples = 0;  // read so far; of the naming stage 0
};

// Called after each half MiB of records or 256 frames, from several threads at once; what it is
// told may be a little older than what another thread was told. The time it takes is the fold's.
using ProgressObserver = std::function<void(const Progress&)>;

// The counts of one stage. Thread-safe; an empty observer costs one test a call. `observer` must
// outlive the counter.
class ProgressCounter {
public:
    ProgressCounter(const ProgressObserver& observer, ProgressStage stage, std::uint64_t total)
        : observer_(observer), stage_(stage), total_(total) {}

    void advance(std::uint64_t units, std::uint64_t samples) {
        if (!observer_) return;
        const std::uint64_t done = done_.fetch_add(units, std::memory_order_relaxed) + units;
        const std::uint64_t all = samples_.fetch_add(samples, std::memory_order_relaxed) + samples;
        observer_({stage_, done, total_, all});
    }

private:
    const ProgressObserver& observer_;
    const ProgressStage stage_;
    const std::uint64_t total_;
    std::atomic<std::uint64_t> done_ = 0;
    std::atomic<std::uint64_t> samples_ = 0;
};

}  // namespace fgread
