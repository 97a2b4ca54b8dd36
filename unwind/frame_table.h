// FrameTable: every distinct frame of a recording once, as a small number.
//
// A recording of a million samples has ten to a hundred thousand distinct frames; whatever is
// expensive (symbols, inlines, demangling) is done once for each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "unwind/frame.h"

namespace fgread {

// Number of a distinct frame, dense from 0 in order of first appearance.
using FrameId = std::uint32_t;
inline constexpr FrameId no_frame = 0xffffffff;

// Not thread-safe. 20 bytes a frame and 8 of index.
class FrameTable {
public:
    // The id of `frame`, new or known. Amortised O(1), no allocation unless the table grows.
    FrameId intern(const Frame& frame);

    // Forgets all but the first `count` frames.
    void cut_to(std::size_t count);

    [[nodiscard]] const Frame& operator[](FrameId id) const { return frames_[id]; }
    [[nodiscard]] std::size_t size() const { return frames_.size(); }
    [[nodiscard]] const std::vector<Frame>& frames() const { return frames_; }

private:
    void index_all(std::size_t slots);

    std::vector<Frame> frames_;
    std::vector<std::uint32_t> slots_;  // id + 1, 0 is free; a power of two, at most half full
};

}  // namespace fgread
