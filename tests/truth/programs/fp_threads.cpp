// Four threads at once, each with work of its own: every thread starts in libstdc++ and libc, and
// the samples of all CPUs are mixed in one file.

#include <array>
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "until.h"

namespace {

template <int Kind>
struct Mixer {
    [[gnu::noinline]] std::uint64_t operator()(std::uint64_t value, int depth) const {
        for (int i = 0; i < 16; ++i)
            value = (value ^ (value >> (7 + Kind))) * (0x9e3779b97f4a7c15 + Kind);
        if (depth == 0) return value;
        const Mixer<(Kind + 1) % 4> next;
        return next(value, depth - 1) + 1;
    }
};

[[gnu::noinline]] std::uint64_t sieve(unsigned limit) {
    std::array<bool, 2048> composite{};
    std::uint64_t count = 0;
    for (unsigned i = 2; i < limit; ++i) {
        if (composite[i]) continue;
        ++count;
        for (unsigned j = i * i; j < limit; j += i) composite[j] = true;
    }
    return count;
}

// Realigned stack (32 bytes for the vector type): rbp no longer points just below the CFA in gcc's
// code of it, the return address is found by an expression.
using Wide = float __attribute__((vector_size(32)));
[[gnu::noinline]] float wide_sum(const float* values, int count) {
    alignas(64) Wide sums[4] = {};
    Wide* where = sums;
    asm volatile("" : "+r"(where));  // the array must be in memory
    for (int i = 0; i < count; ++i) where[i % 4] += values[i];
    return where[0][0] + where[1][3] + where[3][7];
}

template <int Kind>
void work(const Until& until, std::atomic<std::uint64_t>& sink) {
    const Mixer<Kind> mix;
    std::array<float, 256> floats{};
    std::uint64_t value = Kind;
    while (until.running()) {
        for (int i = 0; i < 200; ++i) {
            value = mix(value, 12);
            floats[value % floats.size()] += 1.0F;
            value += sieve(500 + Kind * 500);
            value += static_cast<std::uint64_t>(wide_sum(floats.data(), 256));
        }
    }
    sink += value;
}

}  // namespace

int main(int argc, char** argv) {
    const Until until(argc, argv);
    std::atomic<std::uint64_t> sink = 0;
    std::vector<std::thread> threads;
    threads.emplace_back([&] { work<0>(until, sink); });
    threads.emplace_back([&] { work<1>(until, sink); });
    threads.emplace_back([&] { work<2>(until, sink); });
    work<3>(until, sink);
    for (std::thread& thread : threads) thread.join();
    return sink == 42;
}
