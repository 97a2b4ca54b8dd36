// Recursion thousands of frames deep, through three functions with frames of different size: most
// stacks are longer than the kernel's chain (127) and than the dump.

#include <alloca.h>

#include <cstdint>

#include "until.h"

namespace {

std::uint64_t descend(std::uint64_t n, int depth);

[[gnu::noinline]] std::uint64_t with_array(std::uint64_t n, int depth) {
    volatile std::uint64_t local[8];
    for (int i = 0; i < 8; ++i) local[i] = n * static_cast<unsigned>(i);
    const std::uint64_t below = descend(n + 1, depth - 1);
    return below + local[n % 8];
}

[[gnu::noinline]] std::uint64_t with_alloca(std::uint64_t n, int depth) {
    const std::size_t size = 16 + n % 64;
    auto* bytes = static_cast<unsigned char*>(alloca(size));
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<unsigned char>(n >> (i % 8));
    asm volatile("" : : "r"(bytes) : "memory");
    const std::uint64_t below = descend(n * 3, depth - 1);
    return below + bytes[size - 1];
}

[[gnu::noinline]] std::uint64_t descend(std::uint64_t n, int depth) {
    for (int i = 0; i < 24; ++i) n = n * 6364136223846793005u + 1442695040888963407u;
    if (depth <= 0) return n;
    if (n & 4) return with_array(n >> 3, depth) ^ n;
    if (n & 2) return with_alloca(n >> 3, depth) ^ n;
    return descend(n >> 1, depth - 1) ^ n;
}

}  // namespace

int main(int argc, char** argv) {
    const Until until(argc, argv);
    std::uint64_t sink = 1;
    while (until.running()) {
        for (int depth = 1; depth < 4000; depth *= 3) {
            for (int i = 0; i < 4000 / depth; ++i) sink += descend(sink, depth);
        }
    }
    return sink == 42;
}
