// ProfileMerger: applies the results of the workers in file order and makes one Profile of them.
//
// Workers finish chunks in any order and call deliver() from their own threads; a result that is
// early waits until all before it have come. This is the place for stages that need the samples
// in order.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

#include "collapse/deferred_chains.h"
#include "collapse/profile.h"
#include "collapse/sample_worker.h"

namespace fgread {

class ProfileMerger {
public:
    // `event_count` may turn out to be more: a pipe brings events while it is read.
    ProfileMerger(std::size_t event_count, unsigned workers);

    // For the only worker there is: tables to count in at once, which become the Profile's. What it
    // delivers then adds nothing to them. Valid until take().
    StackTables& shared_tables() {
        tables_are_shared_ = true;
        return profile_;
    }

    // Thread-safe. Blocks while the result is too far ahead of the slowest worker, which bounds
    // what waits here. Chunks of one worker must come in rising order. Applies all that can be, of
    // whatever worker, unless another thread is at it.
    void deliver(ChunkResult&& result);
    // Once all chunks are delivered.
    Profile take(Diagnostics& diagnostics);

private:
    // What the worker's own numbers are in the Profile.
    struct Translation {
        std::vector<FrameId> frames;
        std::vector<std::uint32_t> groups;
        std::vector<StackId> stacks;
    };
    [[nodiscard]] FrameId translated_frame(FrameId frame, const Translation& translation) const {
        return tables_are_shared_ ? frame : translation.frames[frame];
    }
    [[nodiscard]] StackId translated_stack(StackId stack, const Translation& translation) const {
        return tables_are_shared_ ? stack : translation.stacks[stack];
    }

    void apply(const ChunkResult& result);
    void translate(const ChunkResult& result, Translation& translation);
    void prefetch_weights(const ChunkResult& result, const Translation& translation) const;
    void add_weight(StackId stack, std::uint32_t event, std::uint64_t period);
    void defer(const ChunkResult& result, const Translation& translation);
    void add_deferred(const DeferredSample& sample, const std::vector<FrameId>* user);
    // What the counter counted since its reading before; 0 if the sample has no stack.
    std::uint64_t add_reading(const CounterReading& reading, const Translation& translation);
    void add_timeline(TimelineSample sample, const Translation& translation);

    std::mutex mutex_;  // never held for long
    std::condition_variable advanced_;
    std::size_t next_chunk_ = 0;
    std::map<std::size_t, ChunkResult> waiting_;
    bool applying_ = false;  // some thread; what stands below is its own meanwhile

    bool tables_are_shared_ = false;
    std::vector<Translation> translations_;
    std::map<Group, std::uint32_t> group_index_;
    std::vector<std::vector<std::uint32_t>> weight_index_;  // by event, by stack: index + 1
    std::map<std::pair<std::uint64_t, Tid>, std::uint64_t> readings_;  // the last, by id
    std::map<std::pair<ModuleId, StopReason>, std::uint64_t> stops_;
    StackDepths depths_;
    DeferredChains deferred_;
    Profile profile_;
    Diagnostics diagnostics_;
};

}  // namespace fgread
