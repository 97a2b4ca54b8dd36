// truth_libdw: fgread's walk against libdw's, frame by frame over the whole stack, for programs in
// which no frame pointer says the truth: exceptions, signals, alternate stacks, longjmp.
//
//   truth_libdw RECORDING [--min-judged N]
//
// Exit status 0: at least 99.9 % of the samples equal; every difference is listed by its kind.

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "libdw_unwinder.h"
#include "recording.h"
#include "walk.h"

namespace {

constexpr double pass_share = 0.999;
constexpr double max_excluded_share = 0.02;
constexpr std::size_t shown_differences = 20;

struct Counts {
    std::uint64_t samples = 0, equal = 0, frames = 0;
    // Left out: libdw is shorter, the leaf is in an epilogue. gcc's CFI says there that a popped
    // register is still saved, below the stack pointer, where a dump has nothing; libdw loses it
    // and stops at the next CFA that needs it. Which answer is right shows in truth_check.
    std::uint64_t popped = 0;
    std::uint64_t guesses = 0;  // stacks that libdw continued beyond all mappings; cut there
    // Left out: libdw has no call-frame information for the leaf (stubs of the PLT, clone3 behind
    // its system call) and goes by rbp, while the code proves the walk's caller.
    std::uint64_t proven = 0;
    std::uint64_t without_rule = 0;               // both end where neither has any; equal
    std::map<std::string, std::uint64_t> ends;    // of fgread's walks
    std::map<std::string, std::uint64_t> causes;  // of differences
};

// Where no file is mapped libdw has no CFI and goes on by rbp, right or wrong: what it says beyond
// the first such pc is a guess. Observed while libgcc installs a landing pad's context: it writes
// the target's registers over the ones its own frame saved, so every reader of its CFI goes astray.
std::size_t known_frames(const truth::Sample& sample, const std::vector<std::uint64_t>& pcs) {
    for (std::size_t i = 0; i < pcs.size(); ++i) {
        const std::uint64_t lookup = i == 0 ? pcs[i] : pcs[i] - 1;
        if (!sample.space.find({lookup}, sample.when)) return i + 1;
    }
    return pcs.size();
}

// How many of libdw's frames come from rules: those behind a pc without one are a guess by rbp.
std::size_t ruled_frames(const truth::LibdwUnwinder& libdw, const std::vector<std::uint64_t>& pcs) {
    for (std::size_t i = 0; i < pcs.size(); ++i) {
        if (!libdw.has_rule(pcs[i], i == 0)) return i + 1;
    }
    return pcs.size();
}

// Whether `walked` says all that `judged` does, and more.
bool extends(const std::vector<std::uint64_t>& walked, const std::vector<std::uint64_t>& judged) {
    return walked.size() > judged.size() &&
           std::equal(judged.begin(), judged.end(), walked.begin());
}

std::string cause_of(const std::vector<std::uint64_t>& walked,
                     const std::vector<std::uint64_t>& judged, const std::string& reason,
                     const std::string& end) {
    const auto at = std::mismatch(walked.begin(), walked.end(), judged.begin(), judged.end());
    if (at.first == walked.end()) return fmt::format("fgread is shorter ({})", reason);
    if (at.second == judged.end()) return fmt::format("libdw is shorter ({})", end);
    return "callers differ";
}

void show(truth::Walk& walk, const truth::Sample& sample, const std::vector<std::uint64_t>& walked,
          const std::vector<std::uint64_t>& judged, const std::string& cause) {
    fmt::print("difference at record {:#x}: {}\n", sample.file_offset, cause);
    const auto at = std::mismatch(walked.begin(), walked.end(), judged.begin(), judged.end());
    const auto frame = static_cast<std::size_t>(at.first - walked.begin());
    const auto name = [&](const std::vector<std::uint64_t>& pcs, std::size_t i) {
        return i < pcs.size() ? walk.describe(sample, pcs[i]) : std::string("-");
    };
    for (std::size_t i = frame < 3 ? 0 : frame - 3; i < frame + 3; ++i) {
        fmt::print("  {:3} libdw {:40} walk {}\n", i, name(judged, i), name(walked, i));
    }
}

int run(int argc, char** argv) {
    auto recording = truth::Recording::open(argv[1]);
    if (!recording) {
        fmt::print("FAILED: {}\n", recording.error().message);
        return 1;
    }
    truth::LibdwUnwinder libdw(*recording);
    truth::Walk walk(*recording);
    Counts counts;
    std::uint64_t different = 0;
    const auto judge = [&](const truth::Sample& sample) {
        std::vector<std::uint64_t> judged = libdw.pcs(sample);
        const std::size_t known = known_frames(sample, judged);
        counts.guesses += known < judged.size() ? 1 : 0;
        judged.resize(known);
        const std::vector<std::uint64_t>& walked = walk.pcs(sample);
        const std::string reason(fgread::stop_reason_key(walk.reason()));
        ++counts.samples;
        ++counts.ends[reason];
        counts.frames += judged.size();
        if (walked == judged) {
            ++counts.equal;
            return;
        }
        if (extends(walked, judged) && walk.leaf_in_epilogue()) {
            ++counts.popped;
            return;
        }
        const std::size_t ruled = ruled_frames(libdw, judged);
        if (ruled == 1 && walk.caller_is_proven(sample)) {
            ++counts.proven;
            return;
        }
        const bool same_so_far = walked.size() == ruled && ruled < judged.size() &&
                                 std::equal(walked.begin(), walked.end(), judged.begin());
        if (same_so_far) {
            ++counts.equal;
            ++counts.without_rule;
            return;
        }
        const std::string cause = cause_of(walked, judged, reason, libdw.end());
        if (++different <= shown_differences) show(walk, sample, walked, judged, cause);
        ++counts.causes[cause];
    };
    if (const auto done = recording->for_each_sample(judge); !done) {
        fmt::print("FAILED: {}\n", done.error().message);
        return 1;
    }
    const auto share = [](std::uint64_t part, std::uint64_t whole) {
        return static_cast<double>(part) / static_cast<double>(std::max<std::uint64_t>(whole, 1));
    };
    const std::uint64_t left_out = counts.popped + counts.proven;
    const std::uint64_t judged_samples = counts.samples - left_out;
    const double equal = share(counts.equal, judged_samples);
    const bool too_many_excluded = share(left_out, counts.samples) > max_excluded_share;
    fmt::print("samples {}, frames {}, equal {} ({:.3f} % of those judged)\n", counts.samples,
               counts.frames, counts.equal, 100 * equal);
    fmt::print("left out: libdw loses a popped register in an epilogue {}\n", counts.popped);
    fmt::print("left out: libdw has no rule for the leaf, the code proves its caller {}\n",
               counts.proven);
    fmt::print("where libdw has no rule and goes on by rbp, and the walk stops: {}\n",
               counts.without_rule);
    fmt::print("stacks that libdw continues beyond all mappings: {}\n", counts.guesses);
    for (const auto& [reason, count] : counts.ends) fmt::print("walks {}: {}\n", reason, count);
    for (const auto& [cause, count] : counts.causes) fmt::print("different {}: {}\n", count, cause);
    const std::uint64_t min_judged =
        std::strtoul(truth::option(argc, argv, "--min-judged", "500").c_str(), nullptr, 10);
    if (judged_samples < min_judged) fmt::print("FAILED: too few samples judged\n");
    if (equal < pass_share) fmt::print("FAILED: too many differences\n");
    if (too_many_excluded) fmt::print("FAILED: too many samples left out\n");
    const bool passed = judged_samples >= min_judged && equal >= pass_share && !too_many_excluded;
    return passed ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        fmt::print(stderr, "usage: truth_libdw RECORDING [--min-judged N]\n");
        return 2;
    }
    return run(argc, argv);
}
