// Calls that leave odd frames: tail calls, alloca and variable arrays (the CFA follows rbp), DRAP
// and over-aligned locals (CFA by expression), a noreturn function called last, hot and cold parts,
// calls through the PLT, string functions of libc written in assembly.

#include <alloca.h>

#include <csetjmp>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "until.h"

namespace {

jmp_buf out_of_here;
volatile std::uint64_t sink;

[[gnu::noinline]] std::uint64_t mix(std::uint64_t value) {
    for (int i = 0; i < 60; ++i) value = (value ^ (value >> 13)) * 0xc4ceb9fe1a85ec53;
    return value;
}

[[gnu::noinline]] std::uint64_t tail_last(std::uint64_t value) { return mix(value) + 1; }
[[gnu::noinline]] std::uint64_t tail_middle(std::uint64_t value) { return tail_last(mix(value)); }
[[gnu::noinline]] std::uint64_t tail_first(std::uint64_t value) { return tail_middle(value ^ 9); }

[[gnu::noinline]] std::uint64_t with_alloca(std::uint64_t value) {
    const std::size_t size = 64 + value % 512;
    auto* bytes = static_cast<char*>(alloca(size));
    std::memset(bytes, static_cast<int>(value), size);
    return mix(value) + static_cast<unsigned char>(bytes[size / 2]);
}

// Eight arguments and an over-aligned local: gcc keeps the arguments' address in r10 and says the
// CFA by an expression that reads it back from the stack.
[[gnu::noinline]] std::uint64_t over_aligned(std::uint64_t a, std::uint64_t b, std::uint64_t c,
                                             std::uint64_t d, std::uint64_t e, std::uint64_t f,
                                             std::uint64_t g, std::uint64_t h) {
    alignas(64) volatile std::uint64_t cells[8] = {a, b, c, d, e, f, g, h};
    auto* bytes = static_cast<char*>(alloca(32 + h % 32));
    bytes[h % 32] = 1;
    asm volatile("" : : "r"(bytes) : "memory");
    for (int i = 0; i < 8; ++i) cells[i] = mix(cells[i]);
    return cells[0] + cells[7];
}

[[noreturn, gnu::noinline]] void leave(std::uint64_t value) {
    sink = mix(value);
    std::longjmp(out_of_here, 1);
}

[[noreturn, gnu::noinline]] void leaves_last(std::uint64_t value) {
    sink = mix(value);
    leave(value);
}

[[gnu::noinline]] void come_back(std::uint64_t value) {
    if (setjmp(out_of_here) == 0) leaves_last(value);
}

[[gnu::noinline, gnu::cold]] std::uint64_t rarely(std::uint64_t value) {
    return mix(mix(value)) + 3;
}

[[gnu::noinline]] std::uint64_t hot_and_cold(std::uint64_t value) {
    std::uint64_t total = value;
    for (int i = 0; i < 20; ++i) {
        if (__builtin_expect(total % 4 == 0, 0)) total += rarely(total) * mix(total);
        total = mix(total) + 1;
    }
    return total;
}

[[gnu::noinline]] std::uint64_t text(std::uint64_t value) {
    char buffer[256];
    std::snprintf(buffer, sizeof buffer, "%llu %.9f %s", static_cast<unsigned long long>(value),
                  static_cast<double>(value) / 3.0, "a string of some length");
    return std::strlen(buffer) + static_cast<unsigned char>(*std::strchr(buffer, ' '));
}

}  // namespace

int main(int argc, char** argv) {
    const Until until(argc, argv);
    std::uint64_t (*volatile tail)(std::uint64_t) = tail_first;
    std::uint64_t value = 1;
    while (until.running()) {
        for (int i = 0; i < 20; ++i) {
            value += tail(value);
            value += with_alloca(value);
            value += over_aligned(value, 1, 2, 3, 4, 5, 6, value);
            value += hot_and_cold(value);
            value += text(value);
            come_back(value);
            value += sink;
        }
    }
    return value == 42;
}
