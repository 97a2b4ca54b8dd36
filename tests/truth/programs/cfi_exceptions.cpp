// Exceptions in flight most of the time: samples lie in libgcc's unwinder, in personality routines,
// in landing pads (.cold parts), destructors and handlers.

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

#include "until.h"

namespace {

struct Guard {
    explicit Guard(std::uint64_t& value) : value_(value) {}
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;
    [[gnu::noinline]] ~Guard() {
        for (int i = 0; i < 300; ++i) value_ = value_ * 75 + 74;
    }
    std::uint64_t& value_;
};

[[gnu::noinline]] std::uint64_t dive(std::uint64_t& state, int depth) {
    const Guard guard(state);
    if (depth == 0) {
        if (state % 3 == 0) throw std::runtime_error("thrown " + std::to_string(state));
        if (state % 3 == 1) throw static_cast<int>(state & 0xff);
        return state;
    }
    const auto copy = std::make_unique<std::uint64_t>(state);
    return dive(state, depth - 1) + *copy;
}

[[gnu::noinline]] std::uint64_t rethrow(std::uint64_t& state, int depth) {
    try {
        return dive(state, depth);
    } catch (const std::runtime_error& error) {
        state += static_cast<std::uint64_t>(error.what()[7]);
        throw;
    }
}

[[gnu::noinline]] std::uint64_t attempt(std::uint64_t& state, int depth) {
    try {
        return rethrow(state, depth);
    } catch (int code) {
        return static_cast<std::uint64_t>(code);
    } catch (const std::exception&) {
        return dive(state, 0) + 1;  // may throw while this one is being handled
    }
}

}  // namespace

int main(int argc, char** argv) {
    const Until until(argc, argv);
    std::uint64_t state = 1, sink = 0;
    while (until.running()) {
        for (int depth = 1; depth < 30; ++depth) {
            try {
                sink += attempt(state, depth);
            } catch (...) {
                ++sink;
            }
        }
    }
    return sink == 42;
}
