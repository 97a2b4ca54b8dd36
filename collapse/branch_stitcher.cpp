#include "collapse/branch_stitcher.h"

#include <algorithm>
#include <utility>

namespace fgread {

namespace {

constexpr std::size_t words_per_call = 3;  // from, to, flags

// No processor has more registers; a recording that says so has no ring to look into.
constexpr std::uint64_t max_registers = 256;
// Deeper than any stack perf shows (127 frames by default); endless recursion ends here.
constexpr std::size_t max_outer_calls = 1024;

}  // namespace

void BranchStitcher::begin(std::uint64_t registers) {
    threads_.clear();
    registers_ = registers <= max_registers ? registers : 0;
}

std::uint64_t BranchStitcher::place_of_outermost(const LastSample& now,
                                                 const LastSample& before) const {
    // Registers are used in rising order, and again from 0.
    const std::uint64_t outermost = now.newest_register + registers_ - (now.calls.size() - 1);
    return (before.newest_register + registers_ - outermost % registers_) % registers_;
}

void BranchStitcher::find_outer(const LastSample& before, LastSample& now) const {
    const std::uint64_t place = place_of_outermost(now, before);
    if (place >= before.calls.size() || before.calls[place] != now.calls.back()) return;
    for (std::size_t i = place + 1; i < before.calls.size(); ++i) {
        now.outer.push_back(before.calls[i].from);
    }
    const std::size_t room = max_outer_calls - now.outer.size();
    const auto count = static_cast<std::ptrdiff_t>(std::min(room, before.outer.size()));
    now.outer.insert(now.outer.end(), before.outer.begin(), before.outer.begin() + count);
}

const std::vector<std::uint64_t>& BranchStitcher::addresses(const SampleView& sample,
                                                            Endian endian) {
    addresses_.clear();
    stitched_ = 0;
    const U64View words(sample.branch_stack, endian);
    if (words.size() < words_per_call) return addresses_;
    addresses_.push_back(words[1]);
    for (std::size_t i = 0; i < words.size(); i += words_per_call) addresses_.push_back(words[i]);
    if (registers_ == 0) return addresses_;

    LastSample now{sample.time, sample.branch_newest, {}, {}};
    LastSample& before = threads_[sample.tid];
    if (words.size() / words_per_call <= registers_ && now.newest_register < registers_) {
        for (std::size_t i = 0; i < words.size(); i += words_per_call) {
            now.calls.push_back({words[i], words[i + 1], words[i + 2]});
        }
        // An earlier sample may stand later: another processor's buffer.
        if (before.time <= now.time) find_outer(before, now);
    }
    stitched_ = now.outer.size();
    addresses_.insert(addresses_.end(), now.outer.begin(), now.outer.end());
    before = std::move(now);
    return addresses_;
}

}  // namespace fgread
