// Branch stacks that are full: what the samples before know of the calls outside of them.
#include <doctest/doctest.h>

#include <algorithm>

#include "collapse/branch_stitcher.h"
#include "support/perf_builder.h"
#include "tests/collapse/random.h"

using namespace fgread;
using fgread::test::Bytes;
using fgread::testing::Random;

namespace {

using Addresses = std::vector<std::uint64_t>;

constexpr std::uint64_t registers = 4;

// A thread, and the ring of registers in which its processor keeps the calls.
class Thread {
public:
    explicit Thread(std::int32_t tid) : tid_(tid) {}

    void call() {
        newest_ = (newest_ + 1) % registers;
        kept_ = std::min<std::size_t>(kept_ + 1, registers);
        calls_.push_back(next_from_++);
    }
    void leave() {
        if (calls_.empty()) return;
        newest_ = (newest_ + registers - 1) % registers;
        kept_ -= kept_ != 0;
        calls_.pop_back();
    }
    // The sample, and what the stitcher makes of it.
    Addresses seen(BranchStitcher& stitcher, std::uint64_t time = 0) const {
        Bytes bytes;
        for (std::size_t i = 0; i < kept_; ++i) {
            const std::uint64_t from = calls_[calls_.size() - 1 - i];
            bytes.u64(from).u64(target(from)).u64(0);
        }
        SampleView sample;
        sample.tid = {tid_};
        sample.time = {time};
        sample.branch_stack = bytes.data();
        sample.branch_newest = newest_;
        return stitcher.addresses(sample, Endian::little);
    }
    // The whole stack, as the stitcher gives it.
    [[nodiscard]] Addresses stack() const {
        if (calls_.empty()) return {};
        Addresses out{target(calls_.back())};
        out.insert(out.end(), calls_.rbegin(), calls_.rend());
        return out;
    }
    [[nodiscard]] std::size_t kept() const { return kept_; }

private:
    static std::uint64_t target(std::uint64_t from) { return from + 1000; }

    std::int32_t tid_;
    std::uint64_t newest_ = 0;
    std::size_t kept_ = 0;
    Addresses calls_;  // where they were made, outermost first
    std::uint64_t next_from_ = 1;
};

BranchStitcher with_registers(std::uint64_t count) {
    BranchStitcher stitcher;
    stitcher.begin(count);
    return stitcher;
}

}  // namespace

TEST_CASE("a stack deeper than the ring is whole if a sample before knows the calls outside") {
    BranchStitcher stitcher = with_registers(registers);
    Thread thread(7);
    for (int i = 0; i < 4; ++i) thread.call();
    CHECK(thread.seen(stitcher) == thread.stack());
    CHECK(stitcher.stitched() == 0);
    for (int i = 0; i < 3; ++i) thread.call();
    CHECK(thread.seen(stitcher) == thread.stack());
    CHECK(stitcher.stitched() == 3);
    // What was stitched is remembered in its turn, and when the thread returns.
    for (int i = 0; i < 3; ++i) thread.call();
    CHECK(thread.seen(stitcher) == thread.stack());
    CHECK(stitcher.stitched() == 6);
    for (int i = 0; i < 3; ++i) thread.leave();
    CHECK(thread.seen(stitcher) == thread.stack());
    CHECK(stitcher.stitched() == 6);
}

TEST_CASE("samples too far apart have nothing in common, and nothing is made up") {
    BranchStitcher stitcher = with_registers(registers);
    Thread thread(7);
    for (int i = 0; i < 4; ++i) thread.call();
    thread.seen(stitcher);
    for (int i = 0; i < 4; ++i) thread.call();
    CHECK(thread.seen(stitcher).size() == 1 + registers);
    CHECK(stitcher.stitched() == 0);
}

TEST_CASE("calls of the same places in other registers are other calls") {
    BranchStitcher stitcher = with_registers(registers);
    SampleView sample;
    sample.tid = {7};
    const Bytes outer = Bytes().words({3, 30, 0, 2, 20, 0, 1, 10, 0});
    const Bytes inner = Bytes().words({4, 40, 0, 3, 30, 0});
    sample.branch_stack = outer.data();
    sample.branch_newest = 2;
    stitcher.addresses(sample, Endian::little);
    sample.branch_stack = inner.data();
    sample.branch_newest = 3;
    CHECK(stitcher.addresses(sample, Endian::little) == Addresses{40, 4, 3, 2, 1});
    stitcher.begin(registers);
    sample.branch_stack = outer.data();
    stitcher.addresses(sample, Endian::little);  // now one register further
    sample.branch_stack = inner.data();
    CHECK(stitcher.addresses(sample, Endian::little) == Addresses{40, 4, 3});
}

TEST_CASE("threads, times and pieces are kept apart") {
    BranchStitcher stitcher = with_registers(registers);
    Thread thread(7);
    Thread other(8);
    for (int i = 0; i < 4; ++i) thread.call();
    for (int i = 0; i < 6; ++i) other.call();
    thread.seen(stitcher, 10);
    for (int i = 0; i < 2; ++i) thread.call();
    CHECK(other.seen(stitcher, 11).size() == 1 + registers);
    CHECK(thread.seen(stitcher, 12) == thread.stack());
    // Recorded before the one that stands before it in the file.
    CHECK(thread.seen(stitcher, 11).size() == 1 + registers);
    thread.seen(stitcher, 13);
    stitcher.begin(registers);
    thread.call();
    CHECK(thread.seen(stitcher, 14).size() == 1 + registers);
}

TEST_CASE("without the number of registers, or with a wrong one, only a sample's own calls") {
    for (const std::uint64_t count : {std::uint64_t{0}, registers - 1, ~std::uint64_t{0}}) {
        BranchStitcher stitcher = with_registers(count);
        Thread thread(7);
        for (int i = 0; i < 4; ++i) thread.call();
        thread.seen(stitcher);
        thread.call();
        CHECK(thread.seen(stitcher).size() == 1 + registers);
    }
    BranchStitcher stitcher = with_registers(registers);
    CHECK(Thread(7).seen(stitcher).empty());
}

TEST_CASE("whatever a thread does between its samples, no call is made up") {
    // What it returns to once its ring is empty, no sample has: then stacks stay cut.
    for (const bool empties : {false, true}) {
        Random random(1);
        std::size_t whole = 0, seen_any = 0;
        BranchStitcher stitcher = with_registers(registers);
        Thread thread(7);
        for (int i = 0; i < 2000; ++i) {
            for (std::uint64_t step = random.below(registers); step-- > 0;) {
                const bool must_call = !empties && thread.kept() <= 1;
                must_call || random.below(2) == 0 ? thread.call() : thread.leave();
            }
            const Addresses seen = thread.seen(stitcher);
            const Addresses stack = thread.stack();
            if (thread.kept() == 0) continue;
            REQUIRE(seen.size() <= stack.size());
            REQUIRE(std::equal(seen.begin(), seen.end(), stack.begin()));
            ++seen_any;
            whole += seen.size() == stack.size();
        }
        CHECK(seen_any > 1000);
        if (!empties) CHECK(whole == seen_any);
    }
}

TEST_CASE("endless recursion is remembered up to a bound") {
    BranchStitcher stitcher = with_registers(registers);
    Thread thread(7);
    Addresses seen;
    for (int i = 0; i < 3000; ++i) {
        thread.call();
        seen = thread.seen(stitcher);
    }
    CHECK(seen.size() == 1 + registers + 1024);
}
