#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <thread>
#include <vector>

#include "collapse/profile_merger.h"
#include "tests/collapse/profile_compare.h"
#include "tests/collapse/random.h"

using namespace fgread;
using fgread::testing::check_equal;
using fgread::testing::Random;

namespace {

struct Sample {
    Group group;
    std::vector<Frame> frames;  // root first
    std::uint32_t event;
    std::uint64_t period;
};
using Chunks = std::vector<std::vector<Sample>>;

constexpr std::size_t event_count = 3;

Chunks random_chunks(unsigned seed, std::size_t chunk_count) {
    Random random(seed);
    Chunks chunks(chunk_count);
    for (auto& chunk : chunks) {
        chunk.resize(random.below(40));
        for (Sample& sample : chunk) {
            sample.group.comm = CommId{random.below(4)};
            sample.frames.resize(random.below(8));
            for (Frame& frame : sample.frames) {
                frame = {ModuleId{random.below(3)}, FrameKind::exact, random.below(12)};
            }
            sample.event = random.below(event_count);
            sample.period = random.below(1000);
        }
    }
    return chunks;
}

// What a SampleWorker does without records: counts in tables of its own and hands out what a
// chunk added to them.
class Worker {
public:
    explicit Worker(unsigned number) : number_(number) {}

    ChunkResult run(std::size_t chunk, const std::vector<Sample>& samples) {
        ChunkResult result;
        result.chunk = chunk;
        result.worker = number_;
        const std::size_t known_frames = frames_.size();
        const std::size_t known_stacks = stacks_.size();
        for (const Sample& sample : samples) {
            const auto next = static_cast<std::uint32_t>(group_index_.size());
            const auto [entry, added] = group_index_.try_emplace(sample.group, next);
            if (added) result.new_groups.push_back(sample.group);
            StackId stack = stacks_.root(entry->second);
            for (const Frame& frame : sample.frames) {
                stack = stacks_.child(stack, frames_.intern(frame));
            }
            result.samples.push_back({stack, sample.event, sample.period});
            result.frame_count += sample.frames.size();
        }
        result.new_frames.assign(
            frames_.frames().begin() + static_cast<std::ptrdiff_t>(known_frames),
            frames_.frames().end());
        result.new_stacks.assign(
            stacks_.nodes().begin() + static_cast<std::ptrdiff_t>(known_stacks),
            stacks_.nodes().end());
        result.stops.push_back({ModuleId{static_cast<std::uint32_t>(chunk % 2)},
                                StopReason::truncated, samples.size()});
        result.stop_reasons[static_cast<std::size_t>(StopReason::truncated)] = samples.size();
        result.guest_samples = 1;
        result.diagnostics.add(Problem::sample_malformed, 1000 * (chunk + 1));
        return result;
    }

private:
    unsigned number_;
    FrameTable frames_;
    std::map<Group, std::uint32_t> group_index_;
    StackTrie stacks_;
};

Profile merge_in_order(const Chunks& chunks) {
    ProfileMerger merger(event_count, 1);
    Worker worker(0);
    for (std::size_t i = 0; i < chunks.size(); ++i) merger.deliver(worker.run(i, chunks[i]));
    Diagnostics diagnostics;
    return merger.take(diagnostics);
}

}  // namespace

TEST_CASE("a recording without chunks gives an empty profile with its events") {
    ProfileMerger merger(event_count, 2);
    Diagnostics diagnostics;
    const Profile profile = merger.take(diagnostics);
    CHECK(profile.events.size() == event_count);
    CHECK(profile.sample_count == 0);
    CHECK(profile.weights.empty());
}

TEST_CASE("every sample of every chunk is in the profile") {
    const Chunks chunks = random_chunks(1, 50);
    std::uint64_t samples = 0;
    std::uint64_t period = 0;
    for (const auto& chunk : chunks) {
        samples += chunk.size();
        for (const Sample& sample : chunk) period += sample.period;
    }
    const Profile profile = merge_in_order(chunks);
    CHECK(profile.sample_count == samples);
    CHECK(profile.guest_samples == chunks.size());
    std::uint64_t weight_samples = 0;
    std::uint64_t weight_period = 0;
    for (const StackWeight& weight : profile.weights) {
        weight_samples += weight.samples;
        weight_period += weight.period;
    }
    CHECK(weight_samples == samples);
    CHECK(weight_period == period);
    std::uint64_t event_period = 0;
    for (const EventTotal& event : profile.events) event_period += event.period;
    CHECK(event_period == period);
}

TEST_CASE("one stack of two events has two weights") {
    ProfileMerger merger(event_count, 1);
    Worker worker(0);
    const Sample sample{Group{}, {Frame{ModuleId{1}, FrameKind::exact, 1}}, 0, 10};
    Sample other = sample;
    other.event = 2;
    merger.deliver(worker.run(0, {sample, other, sample}));
    Diagnostics diagnostics;
    const Profile profile = merger.take(diagnostics);
    REQUIRE(profile.weights.size() == 2);
    CHECK(profile.weights[0].samples == 2);
    CHECK(profile.weights[0].period == 20);
    CHECK(profile.weights[1].event == 2);
    CHECK(profile.events[1].samples == 0);
}

TEST_CASE("the profile does not depend on how chunks are dealt to workers, or which ends first") {
    for (unsigned seed = 0; seed < 60; ++seed) {
        const Chunks chunks = random_chunks(seed, 1 + seed % 14);
        const Profile expected = merge_in_order(chunks);

        Random random(seed);
        const unsigned worker_count = 1 + random.below(5);
        std::vector<Worker> workers;
        for (unsigned i = 0; i < worker_count; ++i) workers.emplace_back(i);
        std::vector<std::vector<ChunkResult>> queues(worker_count);
        for (std::size_t chunk = 0; chunk < chunks.size(); ++chunk) {
            const std::size_t owner = random.below(worker_count);
            queues[owner].push_back(workers[owner].run(chunk, chunks[chunk]));
        }
        for (auto& queue : queues) std::reverse(queue.begin(), queue.end());

        ProfileMerger merger(event_count, worker_count);
        for (std::size_t delivered = 0; delivered < chunks.size();) {
            auto& queue = queues[random.below(worker_count)];
            if (queue.empty()) continue;
            merger.deliver(std::move(queue.back()));
            queue.pop_back();
            ++delivered;
        }
        Diagnostics diagnostics;
        check_equal(merger.take(diagnostics), expected);
        CHECK(diagnostics[Problem::sample_malformed].count == chunks.size());
        CHECK(diagnostics[Problem::sample_malformed].first_offset == 1000);
    }
}

TEST_CASE("a worker that is far ahead waits for the slow one, and the profile is the same") {
    const Chunks chunks = random_chunks(7, 300);
    const Profile expected = merge_in_order(chunks);
    ProfileMerger merger(event_count, 2);
    Worker slow(0);
    Worker fast(1);
    // The fast worker has 299 chunks after the slow one's only one: it must be held back, and let
    // go again.
    std::thread thread([&] {
        for (std::size_t i = 1; i < chunks.size(); ++i) merger.deliver(fast.run(i, chunks[i]));
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    merger.deliver(slow.run(0, chunks[0]));
    thread.join();
    Diagnostics diagnostics;
    check_equal(merger.take(diagnostics), expected);
}

TEST_CASE("workers on threads of their own give the same profile every time") {
    const Chunks chunks = random_chunks(8, 200);
    const Profile expected = merge_in_order(chunks);
    for (const unsigned worker_count : {2u, 4u, 7u}) {
        ProfileMerger merger(event_count, worker_count);
        std::atomic<std::size_t> next = 0;
        std::vector<std::thread> threads;
        for (unsigned number = 0; number < worker_count; ++number) {
            threads.emplace_back([&, number] {
                Worker worker(number);
                for (std::size_t i = next.fetch_add(1); i < chunks.size(); i = next.fetch_add(1)) {
                    merger.deliver(worker.run(i, chunks[i]));
                }
            });
        }
        for (std::thread& thread : threads) thread.join();
        Diagnostics diagnostics;
        check_equal(merger.take(diagnostics), expected);
    }
}

TEST_CASE("groups differ by name, process and thread") {
    ProfileMerger merger(event_count, 1);
    Worker worker(0);
    const Group base{CommId{1}, Pid{10}, Tid{10}};
    Group other_pid = base;
    other_pid.pid = Pid{11};
    Group other_tid = base;
    other_tid.tid = Tid{11};
    merger.deliver(worker.run(
        0, {{base, {}, 0, 1}, {other_pid, {}, 0, 1}, {other_tid, {}, 0, 1}, {base, {}, 0, 1}}));
    Diagnostics diagnostics;
    const Profile profile = merger.take(diagnostics);
    CHECK(profile.groups == std::vector<Group>{base, other_pid, other_tid});
    CHECK(profile.stacks.size() == 3);
    CHECK(profile.weights[0].samples == 2);
}
