// Tables and masks of places in a RegisterFile, for the files that describe architectures.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace fgread {

// Perf's numbers 0 to count - 1 are places as they are.
template <std::size_t count>
constexpr std::array<std::uint8_t, count> same_places() {
    std::array<std::uint8_t, count> places{};
    for (std::size_t i = 0; i < count; ++i) places[i] = static_cast<std::uint8_t>(i);
    return places;
}

// The places from `first` to `last`, both inclusive.
constexpr std::uint64_t places_mask(unsigned first, unsigned last) {
    return (~std::uint64_t{0} << first) & (~std::uint64_t{0} >> (63 - last));
}

}  // namespace fgread
