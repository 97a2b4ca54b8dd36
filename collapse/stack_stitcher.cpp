#include "collapse/stack_stitcher.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <tuple>
#include <utility>

namespace fgread {
namespace {

// Frames at the cut that must be the same. With one, one join in a hundred was wrong.
constexpr std::size_t same_frames = 2;
// Where, from a frame's stack pointer on, the words are that tell one call from another, in bytes.
// Below the return address the callee has saved the frame's registers: while it runs these words
// never change. Where passes of the same shape are called in turn, a tolerance here is what makes
// wrong joins (tests/truth/programs/cfi_passes.cpp).
constexpr std::array<std::int64_t, 3> saved_registers = {-32, -24, -16};
// More saved registers or the callee's locals, and the frame's own lowest locals. These may change:
// so many of them, of both frames, may differ. The first wrong joins were seen with five.
constexpr std::array<std::int64_t, 7> locals = {-48, -40, 0, 8, 16, 24, 32};
constexpr std::size_t max_differing = 3;
// All of these words: mostly both dumps have all, which takes one look.
constexpr std::uint64_t word = 8;
constexpr std::uint64_t compared_bytes =
    static_cast<std::uint64_t>(locals.back() - locals.front()) + word;
// So many must be in both dumps.
constexpr std::size_t min_compared = 10;
// Samples of the thread before and after, among which donors are looked for. Bounds the time.
constexpr std::size_t max_distance = 64;
// The nearest donors must agree.
constexpr std::size_t max_asked = 4;
constexpr std::size_t max_outer_frames = WalkLimits{}.max_frames;

bool is_same_frame(const WalkedFrame& a, const WalkedFrame& b) {
    return a.pc == b.pc && a.sp == b.sp && a.frame == b.frame;
}

}  // namespace

std::optional<std::size_t> StackStitcher::add(Pid pid, Tid tid, StopReason reason,
                                              const StackMemory& memory,
                                              const std::vector<WalkedFrame>& frames,
                                              SharedFrames outer) {
    const bool cut = reason == StopReason::truncated;
    if (!cut && reason != StopReason::complete) return std::nullopt;
    if (frames.size() + outer.frames < same_frames) return std::nullopt;
    const std::size_t first = room_for(frames.size());
    std::copy(frames.begin(), frames.end(), frames_.begin() + static_cast<std::ptrdiff_t>(first));
    stacks_.push_back({pid, tid, cut, memory, first, frames.size(), outer, {}, 0});
    any_cut_ = any_cut_ || cut;
    return stacks_.size() - 1;
}

std::size_t StackStitcher::room_for(std::size_t count) {
    const std::size_t first = std::exchange(used_frames_, used_frames_ + count);
    if (used_frames_ > frames_.size()) frames_.resize(used_frames_ * 2);
    return first;
}

// Only now that they are needed. A stack comes after that whose frames it shares; that is mostly
// the thread's one before, and then has its own already.
void StackStitcher::copy_shared_frames(Stack& stack) {
    if (stack.outer.frames == 0) return;
    Stack& other = stacks_[stack.outer.stack];
    copy_shared_frames(other);
    const std::size_t first = room_for(stack.count + stack.outer.frames);
    const auto copy = [this](std::size_t from, std::size_t count, std::size_t to) {
        const auto source = frames_.begin() + static_cast<std::ptrdiff_t>(from);
        std::copy_n(source, count, frames_.begin() + static_cast<std::ptrdiff_t>(to));
    };
    copy(stack.first, stack.count, first);
    copy(other.first + other.count - stack.outer.frames, stack.outer.frames, first + stack.count);
    stack.first = first;
    stack.count += stack.outer.frames;
    stack.outer = {};
}

void StackStitcher::clear() {
    stacks_.clear();
    used_frames_ = 0;
    any_cut_ = false;
}

void StackStitcher::join() {
    if (!any_cut_) return;
    std::vector<std::size_t> order(stacks_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto thread_of = [this](std::size_t number) {
        return std::tuple(stacks_[number].pid, stacks_[number].tid);
    };
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return thread_of(a) < thread_of(b); });
    std::vector<std::size_t> thread;
    for (auto begin = order.begin(); begin != order.end();) {
        const auto end = std::find_if(begin, order.end(), [&](std::size_t number) {
            return thread_of(number) != thread_of(*begin);
        });
        thread.assign(begin, end);
        begin = end;
        // Nobody asks for the stacks of a thread of which none is cut.
        const auto is_cut = [this](std::size_t number) { return stacks_[number].cut; };
        if (std::none_of(thread.begin(), thread.end(), is_cut)) continue;
        for (const std::size_t number : thread) copy_shared_frames(stacks_[number]);
        for (std::size_t at = 0; at < thread.size(); ++at) {
            Stack& stack = stacks_[thread[at]];
            if (!stack.cut) continue;
            const std::optional<Join> found = find_donor(thread, at);
            if (!found) continue;
            stack.donor = found->donor;
            stack.donor_frame = found->frame;
        }
    }
}

// The nearest sample of the thread that goes on where this one ends, if the next ones agree.
std::optional<StackStitcher::Join> StackStitcher::find_donor(const std::vector<std::size_t>& thread,
                                                             std::size_t at) const {
    const Stack& cut = stacks_[thread[at]];
    const WalkedFrame& outermost = frame(cut, cut.count - 1);
    std::optional<Join> found;
    std::size_t asked = 0;
    for (std::size_t distance = 1; distance <= max_distance && asked < max_asked; ++distance) {
        const bool before = distance <= at, after = distance < thread.size() - at;
        if (!before && !after) break;
        for (const bool earlier : {true, false}) {
            if (!(earlier ? before : after)) continue;
            const std::size_t number = thread[earlier ? at - distance : at + distance];
            const Stack& donor = stacks_[number];
            const auto place = find(donor, outermost);
            if (!place || !is_same_call(cut, donor, *place)) continue;
            ++asked;
            if (!found) {
                found = Join{number, *place};
                continue;
            }
            const Stack& first = stacks_[found->donor];
            if (!is_same_frame(frame(first, found->frame + 1), frame(donor, *place + 1))) {
                return std::nullopt;
            }
        }
    }
    return found;
}

// Where `stack` has this frame with a caller above it that lies higher.
std::optional<std::size_t> StackStitcher::find(const Stack& stack,
                                               const WalkedFrame& wanted) const {
    const auto begin = frames_.begin() + static_cast<std::ptrdiff_t>(stack.first);
    const auto end = begin + static_cast<std::ptrdiff_t>(stack.count);
    // A cut stack's outermost stack pointer lies higher than that of a donor that cannot help; so
    // joins never go round in circles.
    if (std::prev(end)->sp <= wanted.sp) return std::nullopt;
    // Rising, but for the innermost frame and where a signal handler has a stack of its own: there
    // nothing may be found.
    const auto place = std::lower_bound(
        begin + 1, end, wanted.sp, [](const WalkedFrame& frame, Avma sp) { return frame.sp < sp; });
    if (place == end || std::next(place) == end) return std::nullopt;
    if (!is_same_frame(*place, wanted) || std::next(place)->sp <= place->sp) return std::nullopt;
    return static_cast<std::size_t>(place - begin);
}

// Whether the outermost frames of `cut` and those of `donor` up to `at` are the same activations.
bool StackStitcher::is_same_call(const Stack& cut, const Stack& donor, std::size_t at) const {
    if (at + 1 < same_frames) return false;
    for (std::size_t i = 0; i < same_frames; ++i) {
        if (!is_same_frame(frame(cut, cut.count - 1 - i), frame(donor, at - i))) return false;
    }
    std::size_t compared = 0, differing = 0;
    for (std::size_t i = 0; i < same_frames; ++i) {
        const std::uint64_t sp = frame(donor, at - i).sp.value;
        const std::uint64_t lowest = sp + static_cast<std::uint64_t>(locals.front());
        const bool in_both = cut.memory.covers(lowest, compared_bytes) &&
                             donor.memory.covers(lowest, compared_bytes);
        const auto differs = [&](std::int64_t distance) {
            const std::uint64_t address = sp + static_cast<std::uint64_t>(distance);
            if (!in_both &&
                !(cut.memory.covers(address, word) && donor.memory.covers(address, word)))
                return false;
            ++compared;
            return cut.memory.word_unchecked(address) != donor.memory.word_unchecked(address);
        };
        for (const std::int64_t distance : saved_registers) {
            if (differs(distance)) return false;
        }
        for (const std::int64_t distance : locals) {
            if (differs(distance)) ++differing;
        }
    }
    return compared >= min_compared && differing <= max_differing;
}

bool StackStitcher::outer_frames(std::size_t cut, std::vector<WalkedFrame>& outer) const {
    outer.clear();
    for (const Stack* at = &stacks_[cut]; at->donor;) {
        const Stack& donor = stacks_[*at->donor];
        for (std::size_t i = at->donor_frame + 1; i < donor.count; ++i) {
            if (outer.size() == max_outer_frames) return false;
            outer.push_back(frame(donor, i));
        }
        if (!donor.cut) return true;
        at = &donor;
    }
    return false;
}

}  // namespace fgread
