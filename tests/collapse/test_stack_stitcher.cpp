#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <deque>
#include <vector>

#include "collapse/stack_stitcher.h"

using namespace fgread;

namespace {

constexpr std::uint64_t top = 0x7fff'0000'0000;
constexpr std::uint64_t frame_bytes = 128;
constexpr std::size_t word = 8;

// One thread's stack as it is in memory: equal frames of 128 bytes, the outermost one on top.
// Frame 0 is the outermost here.
class LiveStack {
public:
    explicit LiveStack(std::size_t depth) : pcs_(depth), words_(depth * frame_bytes / word) {
        for (std::size_t i = 0; i < depth; ++i) pcs_[i] = 0x1000 + i * 16;
        for (std::size_t i = 0; i < words_.size(); ++i) words_[i] = 0xabc000 + i;
    }
    [[nodiscard]] std::uint64_t sp(std::size_t frame) const {
        return top - (frame + 1) * frame_bytes;
    }
    // The call from `frame` on is another one: other pcs, other words below that frame.
    void call_again(std::size_t frame) {
        ++calls_;
        for (std::size_t i = frame + 1; i < pcs_.size(); ++i) pcs_[i] += 0x100000;
        for (std::size_t i = 0; i < words_.size(); ++i) {
            if (top - (i + 1) * word < sp(frame)) words_[i] += calls_ << 32;
        }
    }
    // `count` words from `address` up change.
    void write(std::uint64_t address, std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) words_[(top - address) / word - 1 - i] ^= 0x5500;
    }
    void set_pc(std::size_t frame, std::uint64_t pc) { pcs_[frame] = pc; }

    // A sample in frame `leaf` with so many frames in its dump.
    struct Sample {
        StopReason reason = StopReason::complete;
        std::vector<WalkedFrame> frames;
        std::vector<std::byte> bytes;
        StackMemory memory;
    };
    [[nodiscard]] Sample sample(std::size_t leaf, std::size_t seen = 1000) const {
        Sample out;
        for (std::size_t i = leaf + 1; i-- > 0 && out.frames.size() < seen;) {
            const FrameKind kind = i == leaf ? FrameKind::exact : FrameKind::return_address;
            out.frames.push_back({{ModuleId{1}, kind, pcs_[i]}, {pcs_[i]}, {sp(i)}});
        }
        if (seen <= leaf) out.reason = StopReason::truncated;
        // Three quarters of the outermost frame that is seen.
        const std::uint64_t outermost = out.frames.back().sp.value;
        const std::uint64_t end =
            seen <= leaf ? outermost + frame_bytes * 3 / 4 : outermost + frame_bytes;
        for (std::uint64_t at = sp(leaf); at < end; at += word) {
            std::byte value[word];
            std::memcpy(value, &words_[(top - at) / word - 1], word);
            out.bytes.insert(out.bytes.end(), value, value + word);
        }
        return out;
    }

private:
    std::vector<std::uint64_t> pcs_;
    std::vector<std::uint64_t> words_;  // from the top down
    std::uint64_t calls_ = 0;
};

class Stitching {
public:
    // What add() said of it.
    std::optional<std::size_t> add(LiveStack::Sample sample, Tid tid = Tid{1}) {
        samples_.push_back(std::move(sample));
        LiveStack::Sample& kept = samples_.back();
        kept.memory = StackMemory(kept.frames.front().sp, kept.bytes);
        return stitcher_.add(Pid{1}, tid, kept.reason, kept.memory, kept.frames);
    }
    struct Outer {
        std::vector<std::uint64_t> pcs;
        bool complete = false;
        bool operator==(const Outer&) const = default;
    };
    Outer outer(std::size_t cut) {
        stitcher_.join();
        std::vector<WalkedFrame> frames;
        Outer out;
        out.complete = stitcher_.outer_frames(cut, frames);
        for (const WalkedFrame& frame : frames) out.pcs.push_back(frame.frame.offset);
        return out;
    }
    StackStitcher& stitcher() { return stitcher_; }

private:
    StackStitcher stitcher_;
    std::deque<LiveStack::Sample> samples_;
};

using Outer = Stitching::Outer;

}  // namespace

TEST_CASE("a cut stack goes on as a complete one that is in the same calls") {
    const LiveStack stack(10);
    for (const bool donor_first : {true, false}) {
        Stitching stitching;
        if (donor_first) stitching.add(stack.sample(6));
        const auto cut = stitching.add(stack.sample(9, 6));  // sees frames 9 to 4
        if (!donor_first) stitching.add(stack.sample(6));
        REQUIRE(cut);
        CHECK(stitching.outer(*cut) == Outer{{0x1030, 0x1020, 0x1010, 0x1000}, true});
    }
}

TEST_CASE("stacks that ended for other reasons are not kept") {
    const LiveStack stack(10);
    Stitching stitching;
    LiveStack::Sample stopped = stack.sample(9, 6);
    stopped.reason = StopReason::no_cfi;
    CHECK_FALSE(stitching.add(stopped));
    CHECK_FALSE(stitching.add(stack.sample(9, 1)));  // one frame says too little
}

TEST_CASE("cut stacks lead on to one another") {
    const LiveStack stack(12);
    Stitching stitching;
    const auto deepest = stitching.add(stack.sample(11, 4));  // 11 to 8
    const auto middle = stitching.add(stack.sample(10, 4));   // 10 to 7
    REQUIRE(deepest);
    REQUIRE(middle);
    CHECK(stitching.outer(*deepest) == Outer{{0x1070}, false});
    stitching.add(stack.sample(9));
    CHECK(stitching.outer(*deepest).pcs.size() == 8);
    CHECK(stitching.outer(*deepest).complete);
    CHECK(stitching.outer(*middle).complete);
}

TEST_CASE("a donor may share its outer frames with a stack before it") {
    const LiveStack stack(10);
    LiveStack::Sample inner = stack.sample(6);
    inner.frames.resize(3);  // 6, 5 and 4; 3 to 0 are those of the sample before
    inner.memory = StackMemory(inner.frames.front().sp, inner.bytes);
    Stitching stitching;
    const auto before = stitching.add(stack.sample(4));
    REQUIRE(before);
    stitching.stitcher().add(Pid{1}, Tid{1}, inner.reason, inner.memory, inner.frames,
                             {*before, 4});
    const auto cut = stitching.add(stack.sample(9, 6));
    CHECK(stitching.outer(*cut) == Outer{{0x1030, 0x1020, 0x1010, 0x1000}, true});
}

TEST_CASE("other words at the same places are other calls") {
    LiveStack stack(10);
    Stitching stitching;
    const auto cut = stitching.add(stack.sample(9, 6));
    SUBCASE("a few locals may have changed") {
        stack.write(stack.sp(4) + 8, 2);
        stitching.add(stack.sample(6));
        CHECK(stitching.outer(*cut).complete);
    }
    SUBCASE("saved registers and locals") {
        stack.write(stack.sp(4) - 40, 8);
        stitching.add(stack.sample(6));
        CHECK(stitching.outer(*cut) == Outer{});
    }
    SUBCASE("what lies elsewhere says nothing") {
        stack.write(stack.sp(4) + 64, 4);
        stitching.add(stack.sample(6));
        CHECK(stitching.outer(*cut).complete);
    }
}

TEST_CASE("one frame in common is not enough") {
    LiveStack stack(10);
    Stitching stitching;
    const auto cut = stitching.add(stack.sample(9, 6));
    stitching.add(stack.sample(4));
    stitching.add(stack.sample(5));  // its leaf is at work where the other one waits
    stack.call_again(4);
    stitching.add(stack.sample(6));
    CHECK(stitching.outer(*cut) == Outer{});
}

TEST_CASE("donors that disagree help nobody") {
    LiveStack stack(10);
    Stitching stitching;
    const auto cut = stitching.add(stack.sample(9, 6));
    stitching.add(stack.sample(6));
    stack.set_pc(3, 0x7777);
    stitching.add(stack.sample(6));
    CHECK(stitching.outer(*cut) == Outer{});
}

TEST_CASE("other threads are no donors") {
    const LiveStack stack(10);
    Stitching stitching;
    const auto cut = stitching.add(stack.sample(9, 6), Tid{1});
    stitching.add(stack.sample(6), Tid{2});
    CHECK(stitching.outer(*cut) == Outer{});
}

TEST_CASE("after clear() nothing is known any more") {
    const LiveStack stack(10);
    Stitching stitching;
    stitching.add(stack.sample(6));
    stitching.stitcher().clear();
    const auto cut = stitching.add(stack.sample(9, 6));
    REQUIRE(cut == std::size_t{0});
    CHECK(stitching.outer(*cut) == Outer{});
}

TEST_CASE("stack pointers that do not rise are no way round in circles") {
    const LiveStack stack(10);
    LiveStack::Sample odd = stack.sample(9, 6), same = stack.sample(9, 6);
    std::swap(odd.frames[2], odd.frames[4]);
    for (WalkedFrame& frame : same.frames) frame.sp = same.frames.front().sp;
    Stitching stitching;
    for (int i = 0; i < 3; ++i) {
        for (const auto& sample : {odd, same, stack.sample(9, 6)}) {
            const auto cut = stitching.add(sample);
            REQUIRE(cut);
            CHECK_FALSE(stitching.outer(*cut).complete);
        }
    }
}
