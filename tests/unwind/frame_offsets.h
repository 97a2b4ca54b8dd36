// Where the frames of a walk are, for comparing.
#pragma once

#include <cstdint>
#include <vector>

#include "unwind/walker.h"

namespace fgread::test {

inline std::vector<std::uint64_t> offsets_of(const std::vector<WalkedFrame>& frames) {
    std::vector<std::uint64_t> result;
    for (const WalkedFrame& frame : frames) result.push_back(frame.frame.offset);
    return result;
}

}  // namespace fgread::test
