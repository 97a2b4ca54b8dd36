#include "collapse/profile_merger.h"

#include <algorithm>
#include <utility>

#include "perfdata/brief_lock.h"

namespace fgread {

namespace {

// How many finished chunks may wait for an earlier one, per worker. A result is some tens of KB.
constexpr std::size_t max_waiting_per_worker = 16;

}  // namespace

ProfileMerger::ProfileMerger(std::size_t event_count, unsigned workers)
    : translations_(workers),
      deferred_([this](const DeferredSample& sample, const std::vector<FrameId>* user) {
          add_deferred(sample, user);
      }) {
    profile_.events.resize(event_count);
    weight_index_.resize(event_count);
}

void ProfileMerger::deliver(ChunkResult&& result) {
    std::unique_lock lock = lock_briefly(mutex_);
    // The worker that holds the next chunk never waits here, so this cannot stall.
    const std::size_t allowed = max_waiting_per_worker * translations_.size();
    advanced_.wait(lock, [&] { return result.chunk < next_chunk_ + allowed; });
    const std::size_t chunk = result.chunk;
    waiting_.emplace(chunk, std::move(result));
    if (applying_) return;
    applying_ = true;
    while (!waiting_.empty() && waiting_.begin()->first == next_chunk_) {
        const auto next = waiting_.extract(waiting_.begin());
        lock.unlock();
        apply(next.mapped());
        lock.lock();
        ++next_chunk_;
        advanced_.notify_all();
    }
    applying_ = false;
}

Profile ProfileMerger::take(Diagnostics& diagnostics) {
    deferred_.finish();
    for (const auto& [key, samples] : stops_) {
        profile_.stops.push_back({key.first, key.second, samples});
    }
    profile_.depths = depths_.stats();
    sort_by_time(profile_.timeline);
    sort_by_time(profile_.switches);
    diagnostics.merge(diagnostics_);
    return std::move(profile_);
}

void ProfileMerger::apply(const ChunkResult& result) {
    Translation& translation = translations_[result.worker];
    if (result.restarted) translation = {};
    translate(result, translation);
    prefetch_weights(result, translation);
    for (const SampleSummary& sample : result.samples) {
        add_weight(translated_stack(sample.stack, translation), sample.event, sample.period);
    }
    for (const TimelineSample& sample : result.timeline) add_timeline(sample, translation);
    for (std::size_t i = 0; i < result.readings.size(); ++i) {
        const std::uint64_t counted = add_reading(result.readings[i], translation);
        if (counted == 0 || result.reading_timeline.empty()) continue;
        TimelineSample sample = result.reading_timeline[i];
        sample.period = counted;
        add_timeline(sample, translation);
    }
    defer(result, translation);
    profile_.sample_count += result.samples.size() + result.read_samples;
    profile_.frame_count += result.frame_count;
    profile_.guest_samples += result.guest_samples;
    profile_.filtered_samples += result.filtered_samples;
    profile_.frame_pointer_frames += result.frame_pointer_frames;
    profile_.analysed_frames += result.analysed_frames;
    profile_.chain_frames += result.chain_frames;
    profile_.stitched_frames += result.stitched_frames;
    profile_.longer_samples += result.longer_samples;
    for (std::size_t i = 0; i < stop_reason_count; ++i) {
        profile_.stop_reasons[i] += result.stop_reasons[i];
    }
    for (const StopCount& stop : result.stops) stops_[{stop.module, stop.reason}] += stop.samples;
    for (const StackDepth& depth : result.depths) depths_.add(depth);
    profile_.switches.insert(profile_.switches.end(), result.switches.begin(),
                             result.switches.end());
    profile_.end = std::max(profile_.end, result.end);
    profile_.unread_switches += result.unread_switches;
    diagnostics_.merge(result.diagnostics);
}

void ProfileMerger::translate(const ChunkResult& result, Translation& translation) {
    for (const Frame& frame : result.new_frames) {
        translation.frames.push_back(profile_.frames.intern(frame));
    }
    for (const Group& group : result.new_groups) {
        const auto next = static_cast<std::uint32_t>(profile_.groups.size());
        const auto [entry, added] = group_index_.try_emplace(group, next);
        if (added) profile_.groups.push_back(group);
        translation.groups.push_back(entry->second);
    }
    for (const StackNode& node : result.new_stacks) {
        const StackId id = node.parent == no_stack
                               ? profile_.stacks.root(translation.groups[node.label])
                               : profile_.stacks.child(translation.stacks[node.parent],
                                                       translation.frames[node.label]);
        translation.stacks.push_back(id);
    }
}

// As perf script does: a member that counted nothing has no sample.
std::uint64_t ProfileMerger::add_reading(const CounterReading& reading,
                                         const Translation& translation) {
    std::uint64_t& last = readings_[{reading.id, reading.tid}];
    const std::uint64_t counted = reading.value > last ? reading.value - last : 0;
    last = reading.value;
    if (counted == 0 || reading.stack == no_stack) return 0;
    add_weight(translated_stack(reading.stack, translation), reading.event, counted);
    return counted;
}

void ProfileMerger::add_timeline(TimelineSample sample, const Translation& translation) {
    sample.stack = translated_stack(sample.stack, translation);
    profile_.timeline.push_back(sample);
}

void ProfileMerger::defer(const ChunkResult& result, const Translation& translation) {
    const auto translate_frames = [&](std::vector<FrameId>& frames) {
        for (FrameId& frame : frames) frame = translated_frame(frame, translation);
    };
    for (DeferredSample sample : result.deferred_samples) {
        if (!tables_are_shared_) sample.group = translation.groups[sample.group];
        translate_frames(sample.kernel);
        translate_frames(sample.leaf);
        deferred_.add(std::move(sample));
    }
    for (DeferredChain chain : result.deferred_chains) {
        translate_frames(chain.user);
        deferred_.add(chain);
    }
}

void ProfileMerger::add_deferred(const DeferredSample& sample, const std::vector<FrameId>* user) {
    const bool has_user = user != nullptr && !user->empty();
    StackId stack = profile_.stacks.root(sample.group);
    const auto push = [&](const std::vector<FrameId>& frames) {
        for (const FrameId frame : frames) stack = profile_.stacks.child(stack, frame);
        profile_.frame_count += frames.size();
    };
    if (has_user) push(*user);
    push(sample.kernel);
    if (!has_user && sample.kernel.empty()) push(sample.leaf);
    if (user == nullptr) diagnostics_.add(Problem::deferred_chain_missing, sample.file_offset);
    const StopReason reason = has_user ? StopReason::recorded : StopReason::no_registers;
    ++profile_.stop_reasons[static_cast<std::size_t>(reason)];
    ++profile_.sample_count;
    add_weight(stack, sample.event, sample.period);
    if (!sample.timed) return;
    profile_.timeline.push_back(*sample.timed);
    profile_.timeline.back().stack = stack;
}

// They are in no cache, and the samples do not wait for one another.
void ProfileMerger::prefetch_weights(const ChunkResult& result,
                                     const Translation& translation) const {
    for (const SampleSummary& sample : result.samples) {
        if (sample.event >= weight_index_.size()) continue;
        const std::vector<std::uint32_t>& index = weight_index_[sample.event];
        const StackId stack = translated_stack(sample.stack, translation);
        if (stack >= index.size()) continue;
        __builtin_prefetch(profile_.weights.data() + std::max(index[stack], 1u) - 1);
    }
}

void ProfileMerger::add_weight(StackId stack, std::uint32_t event, std::uint64_t period) {
    // A pipe may bring events while it is read.
    if (event >= weight_index_.size()) {
        weight_index_.resize(std::size_t{event} + 1);
        profile_.events.resize(std::size_t{event} + 1);
    }
    std::vector<std::uint32_t>& index = weight_index_[event];
    if (index.size() <= stack) index.resize(profile_.stacks.size(), 0);
    if (index[stack] == 0) {
        profile_.weights.push_back({stack, event, 0, 0});
        index[stack] = static_cast<std::uint32_t>(profile_.weights.size());
    }
    StackWeight& weight = profile_.weights[index[stack] - 1];
    ++weight.samples;
    weight.period += period;
    ++profile_.events[event].samples;
    profile_.events[event].period += period;
}

}  // namespace fgread
