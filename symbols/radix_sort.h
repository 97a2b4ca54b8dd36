// sort_by_number(): a stable sort for thousands of things by a number each has.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace fgread {

// Sorts `items` by number_of(item), an unsigned integer; equal ones keep their order. Distributes
// them by one byte of their numbers after the other, the lowest first; bytes that are the same in
// all of them cost nothing. Addresses of 46,000 frames: 0.7 ms, by std::sort, whose comparisons are
// guessed wrong every second time, 5.5 ms. Needs as much memory again.
template <typename T, typename NumberOf>
void sort_by_number(std::span<T> items, const NumberOf& number_of) {
    constexpr std::size_t few = 128;  // below, filling the tables is most of the work
    if (items.size() < few) {
        std::stable_sort(items.begin(), items.end(),
                         [&](const T& a, const T& b) { return number_of(a) < number_of(b); });
        return;
    }
    constexpr std::size_t bytes = 8, values = 256;
    const auto byte_of = [&](const T& item, std::size_t byte) {
        return std::uint64_t{number_of(item)} >> (8 * byte) & (values - 1);
    };
    std::array<std::array<std::size_t, values>, bytes> counts{};
    for (const T& item : items) {
        for (std::size_t byte = 0; byte < bytes; ++byte) ++counts[byte][byte_of(item, byte)];
    }
    std::vector<T> other(items.size());
    std::span<T> from = items, to = other;
    for (std::size_t byte = 0; byte < bytes; ++byte) {
        std::array<std::size_t, values>& places = counts[byte];
        if (places[byte_of(from.front(), byte)] == items.size()) continue;
        std::size_t place = 0;
        for (std::size_t& each : places) place += std::exchange(each, place);
        for (const T& item : from) to[places[byte_of(item, byte)]++] = item;
        std::swap(from, to);
    }
    if (from.data() != items.data()) std::copy(from.begin(), from.end(), items.begin());
}

}  // namespace fgread
