// SampleWorker: what it keeps of its samples for the StackStitcher, and what it takes from it.
#include "collapse/sample_worker.h"

namespace fgread {

std::optional<std::size_t> SampleWorker::keep_for_stitching(const SampleView& sample,
                                                            const StackMemory& stack,
                                                            const WalkResult& walk, Path* path) {
    const bool known = path && path->kept;
    SharedFrames outer;
    if (known && walk.shared != 0) outer = {*path->kept, walk.shared};
    // The stack whose frames these are was another chunk's.
    for (std::size_t i = known ? 0 : walk.shared; i-- > 0;) {
        const WalkTrail::Step& step = path->trail.steps[i];
        const FrameId id = path->steps[i].frame;
        walked_.push_back({tables_->frames[id], {step.pc}, {step.sp}, id});
    }
    const auto kept = stitcher_.add(sample.pid, sample.tid, walk.reason, stack, walked_, outer);
    if (path) path->kept = kept;
    return kept;
}

// Lengthens what the samples of a chunk added to its result, now that all of them are known.
void SampleWorker::stitch(ChunkResult& result) {
    stitcher_.join();
    for (const CutSample& cut : cut_samples_) {
        const bool complete = stitcher_.outer_frames(cut.stack, outer_frames_);
        if (outer_frames_.empty()) continue;
        result.frame_count += outer_frames_.size();
        result.stitched_frames += outer_frames_.size();
        if (complete) {
            uncount_stop(StopReason::truncated, cut.module, result);
            count_stop(StopReason::stitched, cut.module, result);
        } else {
            ++result.longer_samples;
        }
        for (std::size_t i = cut.first_sample; i < cut.end_sample; ++i) {
            StackId& stack = result.samples[i].stack;
            stack = lengthened(stack, complete);
            if (options_.timeline) result.timeline[i].stack = stack;
        }
        for (std::size_t i = cut.first_reading; i < cut.end_reading; ++i) {
            StackId& stack = result.readings[i].stack;
            stack = lengthened(stack, complete);
            if (options_.timeline) result.reading_timeline[i].stack = stack;
        }
    }
    cut_samples_.clear();
    stitcher_.clear();
    for (Path& path : last_paths_) path.kept.reset();
}

// The stack with outer_frames_ put under its user part.
StackId SampleWorker::lengthened(StackId stack, bool complete) {
    labels_.clear();
    for (; tables_->stacks[stack].parent != no_stack; stack = tables_->stacks[stack].parent) {
        labels_.push_back(tables_->stacks[stack].label);
    }
    // `stack` is the root now, above which the mark stands, if there is one.
    if (!labels_.empty() && tables_->frames[labels_.back()] == truncated_mark) {
        if (!complete) stack = tables_->stacks.child(stack, labels_.back());
        labels_.pop_back();
    }
    // Outermost first: the added frames, then what was there.
    for (auto frame = outer_frames_.rbegin(); frame != outer_frames_.rend(); ++frame) {
        stack = tables_->stacks.child(stack, id_of(frame->frame, frame->id));
    }
    for (auto label = labels_.rbegin(); label != labels_.rend(); ++label) {
        stack = tables_->stacks.child(stack, *label);
    }
    return stack;
}

}  // namespace fgread
