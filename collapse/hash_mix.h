// hash_mix: the one hash of this folder's tables of small integer keys.
#pragma once

#include <cstdint>

namespace fgread {

// Spreads all bits of `key` over the result (a multiplication and a fold of the high half: the
// tables use the low bits, which a multiplication alone leaves poor).
[[nodiscard]] inline std::uint64_t hash_mix(std::uint64_t key) {
    const std::uint64_t product = key * 0x9e3779b97f4a7c15u;  // 2^64 / golden ratio
    return product ^ (product >> 32);
}

}  // namespace fgread
