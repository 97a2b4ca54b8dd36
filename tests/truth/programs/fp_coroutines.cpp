// C++20 coroutines: resume and destroy functions run on their caller's stack, with frames of their
// own in the heap.

#include <coroutine>
#include <cstdint>
#include <exception>
#include <utility>

#include "until.h"

namespace {

class Generator {
public:
    struct promise_type {
        std::uint64_t value = 0;
        Generator get_return_object() {
            return Generator(std::coroutine_handle<promise_type>::from_promise(*this));
        }
        std::suspend_always initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        std::suspend_always yield_value(std::uint64_t next) noexcept {
            value = next;
            return {};
        }
        void return_void() {}
        void unhandled_exception() { std::terminate(); }
    };

    explicit Generator(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
    Generator(Generator&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
    Generator& operator=(Generator&&) = delete;
    ~Generator() {
        if (handle_) handle_.destroy();
    }
    bool next() {
        handle_.resume();
        return !handle_.done();
    }
    [[nodiscard]] std::uint64_t value() const { return handle_.promise().value; }

private:
    std::coroutine_handle<promise_type> handle_;
};

[[gnu::noinline]] std::uint64_t mix(std::uint64_t value) {
    for (int i = 0; i < 200; ++i) value = (value ^ (value >> 13)) * 0xc4ceb9fe1a85ec53;
    return value;
}

Generator numbers(std::uint64_t seed, int count) {
    for (int i = 0; i < count; ++i) co_yield seed = mix(seed + static_cast<unsigned>(i));
}

// A generator that drives another: the resumed function's frame is on top of this one's.
Generator doubled(std::uint64_t seed, int count) {
    Generator inner = numbers(seed, count);
    while (inner.next()) co_yield inner.value() * 2;
}

[[gnu::noinline]] std::uint64_t sum(std::uint64_t seed) {
    Generator outer = doubled(seed, 64);
    std::uint64_t total = 0;
    while (outer.next()) total += outer.value();
    return total;
}

}  // namespace

int main(int argc, char** argv) {
    const Until until(argc, argv);
    std::uint64_t sink = 1;
    while (until.running()) {
        for (int i = 0; i < 50; ++i) sink += sum(sink);
    }
    return sink == 42;
}
