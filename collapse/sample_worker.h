// SampleWorker: walks the samples of one chunk after the other, on one thread.
//
// It counts equal frames and stacks in tables of its own, so that threads share nothing while
// they work (a single worker: in the Profile's). What a chunk adds to those tables travels with the
// chunk's result (a delta), and ProfileMerger applies the results in file order: the Profile is the
// same for any number of threads, and stages that need the samples in order have their place there.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "collapse/aggregate.h"
#include "collapse/branch_stitcher.h"
#include "collapse/deferred_chains.h"
#include "collapse/profile.h"
#include "collapse/stack_stitcher.h"
#include "collapse/stack_tables.h"
#include "unwind/architecture.h"

namespace fgread {

// One sample, reduced to what later stages need; ids are the worker's own.
struct SampleSummary {
    StackId stack = 0;
    std::uint32_t event = 0;
    std::uint64_t period = 0;
};

// What a counter had reached at a sample (PERF_SAMPLE_READ). The stack weighs what was counted
// since the reading before, so readings need their order, which only the merger has.
struct CounterReading {
    StackId stack =
        no_stack;  // none: the sample is left out, but what it counted is not the next's
    std::uint32_t event = 0;
    std::uint64_t id = 0;  // of the event's instance
    Tid tid;               // -1 unless every thread counts for itself
    std::uint64_t value = 0;
};

struct ChunkResult {
    std::size_t chunk = 0;  // its number in the recording, from 0
    unsigned worker = 0;
    bool restarted = false;  // the worker has forgotten its tables: numbers begin from 0 again
    std::vector<Frame> new_frames;
    std::vector<Group> new_groups;
    std::vector<StackNode> new_stacks;
    std::vector<SampleSummary> samples;    // in file order
    std::vector<CounterReading> readings;  // of samples that are not in `samples`; in file order
    std::uint64_t read_samples = 0;        // how many they are
    // These go through DeferredChains; frames, groups and stacks are the worker's own.
    std::vector<DeferredSample> deferred_samples;
    std::vector<DeferredChain> deferred_chains;
    std::vector<StopCount> stops;    // of this chunk, unordered
    std::vector<StackDepth> depths;  // if wanted, in file order
    // If wanted: one for each of `samples` and of `readings` (their periods are not known yet).
    std::vector<TimelineSample> timeline;
    std::vector<TimelineSample> reading_timeline;
    std::vector<ThreadSwitch> switches;  // if wanted, in file order
    TimestampNs end;                     // if they are: of the last record
    std::uint64_t unread_switches = 0;
    std::uint64_t frame_count = 0;
    std::uint64_t guest_samples = 0;
    std::uint64_t filtered_samples = 0;
    std::uint64_t frame_pointer_frames = 0;
    std::uint64_t analysed_frames = 0;
    std::uint64_t chain_frames = 0;
    std::uint64_t stitched_frames = 0;
    std::uint64_t longer_samples = 0;
    std::array<std::uint64_t, stop_reason_count> stop_reasons{};
    Diagnostics diagnostics;
};

class SampleWorker {
public:
    // All references must outlive the worker.
    // `tables`: to count in, with nobody else; then results carry nothing new, and tables are never
    // limited. Null: in tables of its own.
    SampleWorker(unsigned number, const PerfFile& file, const Scan& scan, ModuleProvider& modules,
                 const AggregateOptions& options, StackTables* tables);

    // Reads and walks one of the scan's chunks, which is the `number`-th of the recording. Chunks
    // must come in rising order.
    Result<ChunkResult> run(std::size_t chunk, std::size_t number);
    // Makes the worker begin new tables once its own take so many bytes, instead of 4 MiB. The
    // Profile is the same; of few bytes, the work is more.
    void limit_tables(std::uint64_t bytes) { max_table_bytes_ = std::min(bytes, max_table_bytes_); }
    // Before the first chunk of another batch: the processes have grown.
    void begin_batch() { walker_.forget_spaces(); }

private:
    // A thread's stacks mostly differ near their leaves only: the outer frames that are those of
    // its last sample need not be walked, nor looked up, again.
    struct Path {
        struct Step {
            FrameId frame;
            StackId stack;
        };
        Group group;
        StackId root = no_stack;
        std::vector<Step> steps;          // outermost first; user frames, then kernel frames
        WalkTrail trail;                  // of the sample whose steps these are, or empty
        std::optional<std::size_t> kept;  // its number in the stitcher
    };

    ChunkResult walk_chunk(const Chunk& chunk, std::size_t number, ByteView bytes);
    void add_sample(const RecordView& record, ChunkResult& result);
    void add_readings(const RecordView& record, std::size_t attr, const SampleView& sample,
                      EventTime when, bool left_out, ChunkResult& result);
    struct UserWalk {
        StopReason reason = StopReason::no_registers;
        std::optional<std::size_t> cut;  // its number in the stitcher
    };
    UserWalk walk_user(const SampleView& sample, const ProcessAt& process, EventTime when,
                       Path* path, ChunkResult& result);
    std::optional<std::size_t> keep_for_stitching(const SampleView& sample,
                                                  const StackMemory& stack, const WalkResult& walk,
                                                  Path* path);
    void add_chain(const SampleView& sample, const ProcessAt& process, EventTime when,
                   CpuMode sample_mode, bool want_user);
    void defer(const RecordView& record, std::size_t attr, const SampleView& sample,
               const ProcessAt& process, EventTime when, ChunkResult& result);
    void add_deferred_chain(const RecordView& record, ChunkResult& result);
    [[nodiscard]] CallGraph chain_of(const SampleView& sample, std::size_t attr,
                                     CpuMode mode) const;
    void add_branches(const SampleView& sample, Endian endian, const ProcessAt& process,
                      EventTime when, ChunkResult& result);
    void add_leaf(const SampleView& sample, const ProcessAt& process, EventTime when, CpuMode mode);
    [[nodiscard]] Frame guest_frame(Avma address, CpuMode mode) const;
    void add_guest_leaf(Avma ip, CpuMode mode);
    [[nodiscard]] TimelineSample timeline_sample(const SampleView& sample, std::size_t attr,
                                                 EventTime when, StackId stack) const;
    void note_switch(const RecordView& record, ChunkResult& result) const;
    void note_sched_switch(const SampleView& sample, std::size_t attr, Endian endian,
                           EventTime when, ChunkResult& result) const;
    void note_depth(const SampleView& sample, StopReason reason, ChunkResult& result) const;
    void count_stop(StopReason reason, ModuleId module, ChunkResult& result);
    void uncount_stop(StopReason reason, ModuleId module, ChunkResult& result);
    void stitch(ChunkResult& result);
    StackId lengthened(StackId stack, bool complete);
    bool is_wanted(const SampleView& sample, EventTime when);
    Group group_of(const SampleView& sample, std::size_t attr, EventTime when) const;
    std::uint32_t intern_group(const Group& group);
    Path& path_of(Tid tid) {
        return last_paths_[static_cast<std::uint32_t>(tid.value) % last_paths_.size()];
    }
    void set_root(Path& path, const Group& group);
    StackId intern_stack(const Group& group, Path& path);
    // Frames that are not shown are not to be named: they have no number.
    FrameId user_label(const Frame& frame, FrameId id = no_frame) {
        return options_.hide_user ? no_frame : id_of(frame, id);
    }
    FrameId kernel_label(const Frame& frame) {
        return options_.hide_kernel ? no_frame : id_of(frame, no_frame);
    }
    // `id`: its number, if that is known already.
    FrameId id_of(const Frame& frame, FrameId id) {
        if (id != no_frame) return id;
        const bool is_shown = frame.module.value != 0 || options_.unknown_addresses;
        return tables_->frames.intern(is_shown ? frame : Frame{});
    }

    void forget_large_tables();
    void undo(const StackTables::Sizes& sizes);
    void forget_paths();

    unsigned number_;
    bool restarted_ = false;  // since the last result
    std::unique_ptr<StackTables> own_tables_;
    StackTables* tables_;
    // Stacks of long ago seldom come again, and small tables are in the cache: of 2,000 short
    // processes (1.9 GB) two workers take 2 % less time so, and 6 MB less.
    std::uint64_t max_table_bytes_ = std::uint64_t{4} << 20;
    const PerfFile& file_;
    const Scan& scan_;
    RecordedMachine machine_;
    const AggregateOptions& options_;
    StackWalker walker_;

    const bool all_wanted_;
    std::map<CommId, bool> comm_wanted_;

    std::vector<std::byte> buffer_;
    std::vector<WalkedFrame> walked_;
    const bool may_follow_chain_;
    std::vector<std::uint64_t> user_chain_;
    std::vector<FrameId> user_frames_;     // innermost first
    std::vector<FrameId> kernel_frames_;   // innermost first
    std::optional<std::uint64_t> cookie_;  // of the user part, if the sample's chain waits for it

    // A sample whose stack the dump cut, and what it has added to the chunk's result.
    struct CutSample {
        std::size_t stack = 0;                           // in the stitcher
        ModuleId module;                                 // where the walk ended
        std::size_t first_sample = 0, end_sample = 0;    // of ChunkResult::samples
        std::size_t first_reading = 0, end_reading = 0;  // of ChunkResult::readings
    };
    const bool stitching_;
    StackStitcher stitcher_;
    BranchStitcher branches_;
    std::vector<CutSample> cut_samples_;     // of this chunk
    std::vector<WalkedFrame> outer_frames_;  // innermost first
    std::vector<FrameId> labels_;            // of the stack at hand

    std::map<Group, std::uint32_t> group_index_;

    // Of the sample at hand: the outermost user frames, which stand in its Path and not in
    // user_frames_.
    std::size_t shared_frames_ = 0;
    std::array<Path, 64> last_paths_;  // by tid; threads that share a place only lose time
};

}  // namespace fgread
