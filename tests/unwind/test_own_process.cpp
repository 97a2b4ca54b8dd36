// This process's own stack, against what glibc's backtrace() (libgcc's unwinder) says of it.
#include <doctest/doctest.h>
#include <execinfo.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "own_process.h"
#include "unwind/walker.h"

using namespace fgread;
using namespace fgread::test;

namespace {

struct Moment {
    // Loads libgcc, which must not happen in a signal handler.
    Moment() { (void)backtrace(expected.data(), 1); }

    OwnStack own{65528};
    std::array<void*, 256> expected{};
    int expected_count = 0;

    [[gnu::noinline]] void take() {
        expected_count = backtrace(expected.data(), static_cast<int>(expected.size()));
        own.capture();
        asm volatile("");  // keeps the call from becoming a jump, and this frame on the stack
    }
};

Moment* moment = nullptr;

void on_signal(int) { moment->take(); }

// Frames of different shapes: with and without saved registers, with an array whose size is known
// only now.
[[gnu::noinline]] int descend(int depth, volatile int* seed) {
    if (depth == 0) {
        moment->take();
        return *seed;
    }
    const auto size = static_cast<std::size_t>(8 + (*seed + depth) % 5 * 16);
    auto* dynamic = static_cast<volatile int*>(__builtin_alloca(size * sizeof(int)));
    dynamic[0] = (depth + *seed) % 1000;
    // Unsigned: the sums overflow.
    const auto a = static_cast<unsigned>(seed[0]), b = static_cast<unsigned>(dynamic[0]);
    const auto below = static_cast<unsigned>(descend(depth - 1, dynamic));
    return static_cast<int>(below * a + b);
}

int compare_integers(const void* left, const void* right) {
    if (moment->expected_count == 0) moment->take();
    int a = 0, b = 0;
    std::memcpy(&a, left, sizeof a);
    std::memcpy(&b, right, sizeof b);
    return a - b;
}

// From the caller of Moment::take() outwards, all must be equal.
void check_walk(const Moment& taken) {
    StaticModules modules;
    AddressSpace space;
    add_own_modules(modules, space);
    StackWalker walker(modules);
    std::vector<WalkedFrame> frames;
    const WalkResult result =
        walker.walk(space, {}, taken.own.registers(), taken.own.stack(), frames);
    CHECK(stop_reason_key(result.reason) == "complete");
    // Ours begins with capture() and take(), theirs with take() or with a sanitizer's backtrace().
    const std::size_t common = frames.size() - 2;
    const auto expected_count = static_cast<std::size_t>(taken.expected_count);
    REQUIRE(frames.size() > 4);
    REQUIRE(expected_count > common);
    for (std::size_t i = 1; i <= common; ++i) {
        CAPTURE(i);
        CHECK(frames[frames.size() - i].pc.value ==
              std::bit_cast<std::uint64_t>(taken.expected[expected_count - i]));
    }
}

}  // namespace

TEST_CASE("our own stack is walked as libgcc walks it") {
    Moment taken;
    moment = &taken;
    volatile int seed = 3;
    (void)descend(40, &seed);
    check_walk(taken);
}

TEST_CASE("through a function of libc without a frame pointer") {
    Moment taken;
    moment = &taken;
    std::array<int, 5> numbers{5, 3, 4, 1, 2};
    std::qsort(numbers.data(), numbers.size(), sizeof numbers[0], compare_integers);
    check_walk(taken);
}

TEST_CASE("through a signal handler") {
    Moment taken;
    moment = &taken;
    struct sigaction action {};
    struct sigaction before {};
    action.sa_handler = on_signal;
    sigaction(SIGUSR1, &action, &before);
    raise(SIGUSR1);
    sigaction(SIGUSR1, &before, nullptr);
    check_walk(taken);
}
