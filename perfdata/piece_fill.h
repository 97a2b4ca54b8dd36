// PieceFill: where a recording is cut into the pieces that workers take one at a time.
#pragma once

#include <algorithm>
#include <cstdint>

#include "perfdata/format.h"

namespace fgread {

// Samples of one piece are stitched together (collapse/stack_stitcher.h), so a recording is cut at
// the same samples whether it is a file or comes through a pipe, whose stream holds more records of
// other types: their bytes do not count, as long as they are not many.
class PieceFill {
public:
    // Bytes of samples: large enough that a worker's read costs little per byte, small enough that
    // a few dozen are in flight within some 10 MB.
    static constexpr std::uint64_t sample_limit = std::uint64_t{1} << 19;
    // Bytes of records of all types; a piece goes one record beyond at the most.
    static constexpr std::uint64_t limit = std::uint64_t{1} << 20;

    void add(std::uint32_t type, std::uint64_t size) {
        size_ += size;
        if (type == format::record_sample) samples_ += size;
    }
    [[nodiscard]] bool is_full() const { return samples_ >= sample_limit || size_ >= limit; }
    // Bytes of samples that are missing for that.
    [[nodiscard]] std::uint64_t room() const {
        return is_full() ? 0 : std::min(sample_limit - samples_, limit - size_);
    }

private:
    std::uint64_t size_ = 0;
    std::uint64_t samples_ = 0;
};

}  // namespace fgread
