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

// Stands at the root of stacks that the dump cut, if they are to be marked. In no module there is.
inline constexpr Frame truncated_mark{ModuleId{0xffff'ffff}, FrameKind::exact, 0};

// Modules of code in the guests of virtual machines, of which a host's recording knows nothing but
// addresses. What stands from the first of them on, the mark too, is in no module there is.
inline constexpr ModuleId guest_kernel_module{0xffff'fffd};
inline constexpr ModuleId guest_user_module{0xffff'fffe};
[[nodiscard]] constexpr bool is_real(ModuleId module) { return module < guest_kernel_module; }

// Number of a distinct frame, dense from 0 in order of first appearance.
using FrameId = std::uint32_t;

// Not thread-safe. 20 bytes a frame and 8 of index.
class FrameTable {
public:
    // The id of `frame`, new or known. Amortised O(1), no allocation unless the table grows.
    FrameId intern(const Frame& frame);

    [[nodiscard]] const Frame& operator[](FrameId id) const { return frames_[id]; }
    [[nodiscard]] std::size_t size() const { return frames_.size(); }
    [[nodiscard]] const std::vector<Frame>& frames() const { return frames_; }

private:
    void grow();

    std::vector<Frame> frames_;
    std::vector<std::uint32_t> slots_;  // id + 1, 0 is free; a power of two, at most half full
};

}  // namespace fgread
