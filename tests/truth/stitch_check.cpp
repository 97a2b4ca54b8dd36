// truth_stitch: are stitched stacks what happened?
//
// The stacks of a recording that truth_cut made smaller are walked and stitched as the product does
// it (chunk by chunk), and each one that was lengthened is held against the walk of the same
// sample's whole dump.
//
//   truth_stitch WHOLE CUT [--min-judged N]
//   truth_stitch WHOLE CUT --by chain         the same of what the kernel's own chain adds to them
//
// Where the whole dump is too small as well, the stitched stack is right as far as the walk goes.
// Exit status 0: at least 99.5 % of the lengthened stacks are right, and enough were judged.

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "collapse/stack_stitcher.h"
#include "recording.h"
#include "symbols/module_cache.h"
#include "unwind/walker.h"
#include "unwind/x86_64.h"
#include "walk.h"

namespace {

using namespace fgread;

constexpr double pass_share = 0.995;
constexpr std::size_t shown_mistakes = 10;

struct Stack {
    StopReason reason = StopReason::no_registers;
    std::vector<Frame> frames;  // innermost first
};

struct Counts {
    std::uint64_t samples = 0, complete = 0, cut = 0;
    std::uint64_t stitched = 0, stitched_right = 0;  // to the start of the thread
    std::uint64_t longer = 0, longer_right = 0;      // not so far
    std::uint64_t frames = 0;                        // that stitching added
};

class Walker {
public:
    explicit Walker(const truth::Recording& recording)
        : modules_(recording.mappings(), sources_of(recording.file())), walker_(modules_) {}

    StopReason walk(const truth::Sample& sample) {
        registers_ = x86_64::registers_from_sample(sample.view.user_regs);
        memory = StackMemory({registers_[x86_64::rsp]}, sample.view.user_stack);
        return walker_.walk(sample.space, sample.when, registers_, memory, walked).reason;
    }
    StopReason follow_chain(const truth::Sample& sample, StopReason reason) {
        return walker_.follow_chain(sample.space, sample.when, registers_, memory,
                                    sample.user_chain, reason, walked);
    }
    [[nodiscard]] Stack stack(StopReason reason) const {
        Stack out{reason, {}};
        for (const WalkedFrame& frame : walked) out.frames.push_back(named(frame.frame));
        return out;
    }
    // The frame with its module numbered by path: each recording counts its own modules.
    [[nodiscard]] Frame named(Frame frame) const {
        static std::map<std::string, std::uint32_t> numbers;
        if (frame.module.value == 0) return frame;
        const auto next = static_cast<std::uint32_t>(numbers.size() + 1);
        const std::string path = modules_.info(frame.module).path;
        frame.module.value = numbers.try_emplace(path, next).first->second;
        return frame;
    }

    StackMemory memory;
    std::vector<WalkedFrame> walked;

private:
    static ModuleSources sources_of(const PerfFile& file) {
        ModuleSources sources;
        sources.hostname = file.features().hostname;
        sources.os_release = file.features().os_release;
        sources.arch = file.features().arch;
        return sources;
    }
    ModuleCache modules_;
    StackWalker walker_;
    RegisterFile registers_;
};

class Judge {
public:
    Judge(const truth::Recording& cut, std::vector<Stack> truth, bool by_chain)
        : walker_(cut), truth_(std::move(truth)), by_chain_(by_chain) {}

    void add(const truth::Sample& sample) {
        const StopReason reason = walker_.walk(sample);
        ++counts_.samples;
        if (reason == StopReason::complete) ++counts_.complete;
        if (reason == StopReason::truncated) ++counts_.cut;
        if (by_chain_) {
            judge_chain(sample, reason);
        } else {
            keep(sample, reason);
        }
        ++next_;
    }

    void end_chunk() {
        stitcher_.join();
        std::vector<WalkedFrame> outer;
        for (Cut& cut : cut_) {
            const bool whole = stitcher_.outer_frames(cut.stack, outer);
            for (const WalkedFrame& frame : outer) cut.frames.push_back(walker_.named(frame.frame));
            count(cut, outer.size(), whole);
        }
        cut_.clear();
        stitcher_.clear();
    }

    [[nodiscard]] const Counts& counts() const { return counts_; }
    [[nodiscard]] std::size_t samples() const { return next_; }

private:
    struct Cut {
        std::size_t stack = 0;   // in the stitcher
        std::size_t sample = 0;  // of the recording
        std::uint64_t file_offset = 0;
        std::vector<Frame> frames;
    };

    void keep(const truth::Sample& sample, StopReason reason) {
        const auto number =
            stitcher_.add(sample.view.pid, sample.view.tid, reason, walker_.memory, walker_.walked);
        if (!number) return;
        cut_.push_back({*number, next_, sample.file_offset, walker_.stack(reason).frames});
    }

    void judge_chain(const truth::Sample& sample, StopReason reason) {
        if (reason == StopReason::complete) return;
        const std::size_t found = walker_.walked.size();
        const bool whole = walker_.follow_chain(sample, reason) == StopReason::complete;
        const Cut cut{0, next_, sample.file_offset, walker_.stack(reason).frames};
        count(cut, walker_.walked.size() - found, whole);
    }

    void count(const Cut& cut, std::size_t added, bool whole) {
        if (added == 0) return;
        counts_.frames += added;
        const bool right = is_right(cut.frames, truth_[cut.sample], whole);
        ++(whole ? counts_.stitched : counts_.longer);
        if (right) ++(whole ? counts_.stitched_right : counts_.longer_right);
        if (!right && ++mistakes_ <= shown_mistakes) show(cut, added);
    }

    static bool is_right(const std::vector<Frame>& got, const Stack& truth, bool whole) {
        const std::size_t common = std::min(got.size(), truth.frames.size());
        if (!std::equal(got.begin(), got.begin() + static_cast<std::ptrdiff_t>(common),
                        truth.frames.begin())) {
            return false;
        }
        if (truth.reason != StopReason::complete) return true;
        return whole ? got.size() == truth.frames.size() : got.size() <= truth.frames.size();
    }

    void show(const Cut& cut, std::size_t added) const {
        const Stack& truth = truth_[cut.sample];
        const std::size_t size = std::min(cut.frames.size(), truth.frames.size());
        const auto at = std::mismatch(cut.frames.begin(),
                                      cut.frames.begin() + static_cast<std::ptrdiff_t>(size),
                                      truth.frames.begin());
        fmt::print("mistake at record {:#x}: frame {} of {}, the last {} of them added; truth {}\n",
                   cut.file_offset, at.first - cut.frames.begin(), cut.frames.size(), added,
                   truth.frames.size());
    }

    Walker walker_;
    std::vector<Stack> truth_;
    const bool by_chain_;
    StackStitcher stitcher_;
    std::vector<Cut> cut_;  // of this chunk
    std::size_t next_ = 0;
    Counts counts_;
    std::uint64_t mistakes_ = 0;
};

bool report(const Counts& counts, std::uint64_t min_judged) {
    const auto percent = [](std::uint64_t part, std::uint64_t whole) {
        return whole == 0 ? 100.0 : 100 * static_cast<double>(part) / static_cast<double>(whole);
    };
    const std::uint64_t judged = counts.stitched + counts.longer;
    const std::uint64_t right = counts.stitched_right + counts.longer_right;
    fmt::print("samples {}, complete {} ({:.1f} %), with completed ones {:.1f} %; cut {}\n",
               counts.samples, counts.complete, percent(counts.complete, counts.samples),
               percent(counts.complete + counts.stitched, counts.samples), counts.cut);
    fmt::print(
        "completed {}, right {} ({:.2f} %); longer {}, right {} ({:.2f} %); frames added {}\n",
        counts.stitched, counts.stitched_right, percent(counts.stitched_right, counts.stitched),
        counts.longer, counts.longer_right, percent(counts.longer_right, counts.longer),
        counts.frames);
    if (judged < min_judged) fmt::print("FAILED: too few stacks judged\n");
    const bool precise = percent(right, judged) >= 100 * pass_share;
    if (!precise) fmt::print("FAILED: too many mistakes\n");
    return precise && judged >= min_judged;
}

int run(int argc, char** argv) {
    auto whole = truth::Recording::open(argv[1]);
    auto cut = truth::Recording::open(argv[2]);
    for (const auto* recording : {&whole, &cut}) {
        if (*recording) continue;
        fmt::print("FAILED: {}\n", recording->error().message);
        return 1;
    }
    std::vector<Stack> truth;
    Walker walker(*whole);
    const auto walked = whole->for_each_sample(
        [&](const truth::Sample& sample) { truth.push_back(walker.stack(walker.walk(sample))); });
    const std::size_t samples = truth.size();
    Judge judge(*cut, std::move(truth), truth::option(argc, argv, "--by", "") == "chain");
    const auto judged = cut->for_each_sample(
        [&](const truth::Sample& sample) { judge.add(sample); }, [&] { judge.end_chunk(); });
    if (!walked || !judged || judge.samples() != samples) {
        fmt::print("FAILED: the recordings cannot be read, or differ in their samples\n");
        return 1;
    }
    const std::uint64_t min_judged =
        std::strtoul(truth::option(argc, argv, "--min-judged", "100").c_str(), nullptr, 10);
    return report(judge.counts(), min_judged) ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        fmt::print(stderr, "usage: truth_stitch WHOLE CUT [--by chain] [--min-judged N]\n");
        return 2;
    }
    return run(argc, argv);
}
