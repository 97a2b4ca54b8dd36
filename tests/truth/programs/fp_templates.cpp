// Templates, virtual calls (through a thunk of a second base, too), recursion, switch tables and
// callbacks from libc: the calls of ordinary C++.

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "until.h"

namespace {

struct Shape {
    virtual ~Shape() = default;
    [[nodiscard]] virtual double area(int depth) const = 0;
};

struct Named {
    virtual ~Named() = default;
    [[nodiscard]] virtual std::uint64_t weigh(std::uint64_t seed) const = 0;
};

template <int Sides>
class Polygon final : public Shape, public Named {
public:
    explicit Polygon(double edge) : edge_(edge) {}

    [[gnu::noinline]] double area(int depth) const override {
        if (depth == 0) return edge_ * Sides;
        double sum = 0;
        for (int i = 0; i < Sides; ++i) sum += edge_ / (i + 1.5) * (depth & 1 ? 1.25 : 0.75);
        return sum + area(depth - 1) * 0.5;
    }

    [[gnu::noinline]] std::uint64_t weigh(std::uint64_t seed) const override {
        for (int i = 0; i < Sides * 8; ++i) seed = seed * 6364136223846793005u + Sides;
        return seed;
    }

private:
    double edge_;
};

template <class T, int Depth>
[[gnu::noinline]] T fold_tree(const std::vector<T>& values, std::size_t begin, std::size_t end) {
    if constexpr (Depth == 0) {
        T sum{};
        for (std::size_t i = begin; i < end; ++i) sum += values[i] * (sum + T{1});
        return sum;
    } else {
        const std::size_t middle = begin + (end - begin) / 2;
        const T left = fold_tree<T, Depth - 1>(values, begin, middle);
        return left ^ fold_tree<T, Depth - 1>(values, middle, end);
    }
}

// A dense switch becomes a jump table, whose targets no direct branch reaches.
[[gnu::noinline]] std::uint64_t interpret(const std::array<std::uint8_t, 64>& code,
                                          std::uint64_t acc) {
    for (const std::uint8_t op : code) {
        switch (op % 8) {
            case 0:
                acc += 3;
                break;
            case 1:
                acc ^= acc << 7;
                break;
            case 2:
                acc *= 5;
                break;
            case 3:
                acc ^= acc >> 9;
                break;
            case 4:
                acc -= op;
                break;
            case 5:
                acc = ~acc;
                break;
            case 6:
                acc += acc >> 3;
                break;
            default:
                acc = (acc << 1) | (acc >> 63);
                break;
        }
    }
    return acc;
}

[[gnu::noinline]] int collatz(std::uint64_t n, int steps) {
    if (n == 1 || steps > 60) return steps;
    return collatz(n % 2 ? 3 * n + 1 : n / 2, steps + 1) + 1;
}

// Called by libc's qsort: the caller of this one has no frame pointer.
int compare(const void* left, const void* right) {
    std::uint64_t a = *static_cast<const std::uint64_t*>(left);
    std::uint64_t b = *static_cast<const std::uint64_t*>(right);
    for (int i = 0; i < 60; ++i) {
        a = a * 2862933555777941757u + 3037000493u;
        b = b * 2862933555777941757u + 3037000493u;
    }
    return a < b ? -1 : a > b;
}

}  // namespace

int main(int argc, char** argv) {
    const Until until(argc, argv);
    std::vector<std::unique_ptr<Shape>> shapes;
    shapes.push_back(std::make_unique<Polygon<3>>(1.5));
    shapes.push_back(std::make_unique<Polygon<7>>(2.5));
    const Polygon<5> five(3.5);
    const Named& named = five;
    std::vector<std::uint64_t> numbers(512);
    std::array<std::uint8_t, 64> code{};
    std::uint64_t sink = 1;
    while (until.running()) {
        for (int round = 0; round < 8; ++round) {
            for (std::uint64_t& n : numbers) n = sink = sink * 6364136223846793005u + 1442695041u;
            for (std::uint8_t& op : code) op = static_cast<std::uint8_t>(sink = sink * 75 + 74);
            for (const auto& shape : shapes) sink += static_cast<std::uint64_t>(shape->area(24));
            sink = named.weigh(sink);
            for (int i = 0; i < 20; ++i) sink = interpret(code, sink);
            for (int i = 0; i < 30; ++i) sink += fold_tree<std::uint64_t, 4>(numbers, 0, 512);
            for (std::uint64_t n = 1; n < 40; ++n)
                sink += static_cast<std::uint64_t>(collatz(n, 0));
            std::qsort(numbers.data(), 8, sizeof numbers[0], compare);
        }
    }
    return sink == 42;
}
