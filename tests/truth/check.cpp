// truth_check: is fgread's DWARF walk what really happened?
//
// The samples of a truth_recorder file carry the kernel's frame-pointer chain beside the registers
// and stack bytes. In a program built with frame pointers that chain is the truth, from the leaf
// up to and including the first frame outside the program's own code (libc has no frame pointers),
// unless the leaf has no frame of its own yet or any more (FrameStates): then it lacks the caller.
//
//   truth_check RECORDING --program FILE [--own NAME] [--min-judged N]
//   truth_check RECORDING --chain whole        every pc of the recorded chain is the truth
//
// Exit status 0: at least 99.95 % of what was judged is equal, and enough was judged.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "frame_state.h"
#include "own_code.h"
#include "recording.h"
#include "walk.h"

namespace {

using truth::FrameState;
using truth::Function;
using truth::Sample;

// Of 61,600 samples of the six programs all were equal. One of a test's 1,400 is too many.
constexpr double pass_share = 0.9995;
constexpr double min_own_share =
    0.90;  // of all samples: else the program judges other people's code
constexpr double max_excluded_share = 0.15;  // of own samples: else the exclusion hides the result
constexpr std::size_t shown_differences = 20;

enum class Verdict { equal, cut_by_dump, different };

struct Counts {
    std::uint64_t samples = 0, own = 0, judged = 0, equal = 0, cut_by_dump = 0;
    std::uint64_t frames_compared = 0, through_limit = 0, through_dump = 0, without_cfi = 0;
    // In prologues and epilogues: left out; and how many of these are equal once the caller, which
    // the kernel cannot see there, is taken out of the walk as well.
    std::uint64_t excluded = 0, excluded_equal = 0;
    std::map<std::string, std::uint64_t> causes;
};

class Check {
public:
    Check(const truth::Recording& recording, std::string program, const truth::OwnCode* own)
        : recording_(recording), walk_(recording), program_(std::move(program)), own_(own) {}

    void judge(const Sample& sample);
    void judge_whole(const Sample& sample);
    [[nodiscard]] const Counts& counts() const { return counts_; }

private:
    struct Comparison {
        Verdict verdict = Verdict::equal;
        std::size_t frame = 0;
        std::string cause;
    };
    // A place in the judged program's own code.
    struct OwnPlace {
        const Function* function;
        std::uint64_t svma;
    };
    // Where a pc (a return address already lowered) is; nothing if outside that code.
    [[nodiscard]] std::optional<OwnPlace> own_place(const Sample& sample, std::uint64_t pc) const;
    // Whether the chain of a sample in a prologue or epilogue is the walk without its caller.
    bool equal_but_for_caller(const Sample& sample);
    Comparison compare(const Sample& sample, const std::vector<std::uint64_t>& walked);
    void show(const Sample& sample, const std::vector<std::uint64_t>& walked,
              const Comparison& result);

    const truth::Recording& recording_;
    truth::Walk walk_;
    std::string program_;
    const truth::OwnCode* own_;
    truth::FrameStates states_;
    Counts counts_;
};

std::optional<Check::OwnPlace> Check::own_place(const Sample& sample, std::uint64_t pc) const {
    const fgread::MappingId id = sample.space.find({pc}, sample.when);
    if (!id) return std::nullopt;
    const fgread::Mapping& mapping = recording_.mappings().mapping(id);
    if (recording_.mappings().image(mapping.image).path != program_) return std::nullopt;
    const auto svma = own_->svma_of_offset(pc - mapping.start.value + mapping.file_offset);
    const Function* function = svma ? own_->find(*svma) : nullptr;
    if (!function || !function->own) return std::nullopt;
    return OwnPlace{function, *svma};
}

// Both chains from frame 0 on; the first frame outside the program's code ends it.
Check::Comparison Check::compare(const Sample& sample, const std::vector<std::uint64_t>& walked) {
    const std::vector<std::uint64_t>& chain = sample.user_chain;
    for (std::size_t i = 0;; ++i) {
        if (i == chain.size() && chain.size() >= recording_.max_stack()) {
            ++counts_.through_limit;
            return {Verdict::equal, i, {}};
        }
        if (i == chain.size()) return {Verdict::different, i, "the kernel's chain ends early"};
        if (i == walked.size()) {
            // The kernel reads the stack itself, the walk only its copy.
            const bool cut = walk_.reason() == fgread::StopReason::truncated;
            return {cut ? Verdict::cut_by_dump : Verdict::different, i,
                    fmt::format("the walk stops: {}", fgread::stop_reason_key(walk_.reason()))};
        }
        ++counts_.frames_compared;
        if (chain[i] != walked[i]) {
            return {Verdict::different, i, i == 0 ? "leaf pc differs" : "caller differs"};
        }
        if (i > 0 && !own_place(sample, chain[i] - 1)) return {Verdict::equal, i, {}};
    }
}

bool Check::equal_but_for_caller(const Sample& sample) {
    std::vector<std::uint64_t> walked = walk_.pcs(sample);
    // With a caller outside the program, nothing of the chain behind the leaf is the truth.
    if (walked.size() > 1 && !own_place(sample, walked[1] - 1)) return true;
    if (walked.size() > 1) walked.erase(walked.begin() + 1);
    return compare(sample, walked).verdict != Verdict::different;
}

void Check::judge(const Sample& sample) {
    ++counts_.samples;
    const auto leaf = own_place(sample, sample.view.ip.value);
    if (!leaf) return;
    ++counts_.own;
    const FrameState state = states_.at(*leaf->function, leaf->svma);
    if (state == FrameState::callers || state == FrameState::ambiguous) {
        ++counts_.excluded;
        counts_.excluded_equal += equal_but_for_caller(sample) ? 1 : 0;
        return;
    }
    const std::vector<std::uint64_t>& walked = walk_.pcs(sample);
    const Comparison result = compare(sample, walked);
    if (result.verdict == Verdict::cut_by_dump) {
        ++counts_.cut_by_dump;
        return;
    }
    ++counts_.judged;
    if (result.verdict == Verdict::equal) {
        ++counts_.equal;
        return;
    }
    show(sample, walked, result);
    const bool unreached = state == FrameState::unreached;
    ++counts_.causes[result.cause + (unreached ? " (leaf reached by no direct branch)" : "")];
}

void Check::judge_whole(const Sample& sample) {
    ++counts_.samples;
    ++counts_.own;
    ++counts_.judged;
    const std::vector<std::uint64_t>& walked = walk_.pcs(sample);
    counts_.frames_compared += std::min(walked.size(), sample.user_chain.size());
    if (walked == sample.user_chain) {
        ++counts_.equal;
        return;
    }
    // gdb reads all memory, and guesses where there is no CFI; a dump's reader can do neither.
    const bool ends_early = walked.size() < sample.user_chain.size() &&
                            std::equal(walked.begin(), walked.end(), sample.user_chain.begin());
    if (ends_early && walk_.left_the_dump(sample)) {
        ++counts_.equal;
        ++counts_.through_dump;
        return;
    }
    if (ends_early && walk_.reason() == fgread::StopReason::no_cfi) {
        --counts_.judged;
        ++counts_.without_cfi;
        return;
    }
    const auto at = std::mismatch(walked.begin(), walked.end(), sample.user_chain.begin(),
                                  sample.user_chain.end());
    const auto frame = static_cast<std::size_t>(at.first - walked.begin());
    const Comparison result{
        Verdict::different, frame,
        fmt::format("differs; the walk ends: {}", fgread::stop_reason_key(walk_.reason()))};
    show(sample, walked, result);
    ++counts_.causes[result.cause];
}

void Check::show(const Sample& sample, const std::vector<std::uint64_t>& walked,
                 const Comparison& result) {
    std::uint64_t before = 0;
    for (const auto& [cause, count] : counts_.causes) before += count;
    if (before >= shown_differences) return;
    fmt::print("difference at record {:#x}, frame {}: {}\n", sample.file_offset, result.frame,
               result.cause);
    const std::size_t first = result.frame < 3 ? 0 : result.frame - 3;
    const auto name = [&](const std::vector<std::uint64_t>& pcs, std::size_t i) {
        return i < pcs.size() ? walk_.describe(sample, pcs[i]) : std::string("-");
    };
    for (std::size_t i = first; i < result.frame + 3; ++i) {
        fmt::print("  {:3} truth {:40} walk {}\n", i, name(sample.user_chain, i), name(walked, i));
    }
}

double share(std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}

bool report(const Counts& counts, std::uint64_t min_judged) {
    fmt::print("samples {}, own code {} ({:.2f} %), judged {}, frames compared {}\n",
               counts.samples, counts.own, 100 * share(counts.own, counts.samples), counts.judged,
               counts.frames_compared);
    fmt::print(
        "equal {} ({:.3f} %), of these up to the kernel's depth limit {}, up to where the "
        "stack leaves the dump {}\n",
        counts.equal, 100 * share(counts.equal, counts.judged), counts.through_limit,
        counts.through_dump);
    fmt::print(
        "left out: prologue or epilogue {} ({:.2f} %; {} equal but for the caller), "
        "dump too small {}, no CFI at the pc {}\n",
        counts.excluded, 100 * share(counts.excluded, counts.own), counts.excluded_equal,
        counts.cut_by_dump, counts.without_cfi);
    for (const auto& [cause, count] : counts.causes) fmt::print("different {}: {}\n", count, cause);

    const std::array<std::pair<bool, const char*>, 4> demands = {{
        {counts.judged >= min_judged, "too few samples judged"},
        {share(counts.own, counts.samples) >= min_own_share, "too few samples in own code"},
        {share(counts.excluded + counts.cut_by_dump + counts.without_cfi, counts.own) <=
             max_excluded_share,
         "too many samples left out"},
        {share(counts.equal, counts.judged) >= pass_share, "too many differences"},
    }};
    bool passed = true;
    for (const auto& [met, text] : demands) {
        if (met) continue;
        fmt::print("FAILED: {}\n", text);
        passed = false;
    }
    return passed;
}

int run(int argc, char** argv) {
    auto recording = truth::Recording::open(argv[1]);
    if (!recording) {
        fmt::print("FAILED: {}\n", recording.error().message);
        return 1;
    }
    const bool whole = truth::option(argc, argv, "--chain", "") == "whole";
    const std::string program = truth::option(argc, argv, "--program", "");
    const std::uint64_t min_judged =
        std::strtoul(truth::option(argc, argv, "--min-judged", "500").c_str(), nullptr, 10);
    std::optional<truth::OwnCode> own;
    std::error_code error;
    const std::string path = whole ? "" : std::filesystem::canonical(program, error).string();
    if (!whole) own = truth::OwnCode::load(path, truth::option(argc, argv, "--own", ""));
    if (!whole && !own) {
        fmt::print("FAILED: cannot read the program '{}'\n", program);
        return 1;
    }
    Check check(*recording, path, own ? &*own : nullptr);
    const auto judged = recording->for_each_sample(
        [&](const Sample& sample) { whole ? check.judge_whole(sample) : check.judge(sample); });
    if (!judged) {
        fmt::print("FAILED: {}\n", judged.error().message);
        return 1;
    }
    if (recording->lost_events() != 0) fmt::print("lost events {}\n", recording->lost_events());
    return report(check.counts(), min_judged) ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        fmt::print(stderr,
                   "usage: truth_check RECORDING --program FILE [--own NAME] "
                   "[--min-judged N] | RECORDING --chain whole\n");
        return 2;
    }
    return run(argc, argv);
}
