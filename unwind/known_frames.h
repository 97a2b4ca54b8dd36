// KnownFrames: the number and the rule of frames, for places in code whose address is another in
// each process, or that other places have driven out of KnownPlaces.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "unwind/frame.h"
#include "unwind/frame_table.h"
#include "unwind/unwind_rule.h"

namespace fgread {

// Not thread-safe. A look-up takes one cache line, where the tables of frames and rules take
// several: of 146,000 frames of a GB of samples that were not in KnownPlaces 100,000 came before,
// and 88,000 are found here. 32 KiB at first, which is what small recordings need; 512 KiB once a
// thousand were added.
class KnownFrames {
public:
    struct Known {
        const UnwindRule* rule = nullptr;  // null: the frame is not known
        FrameId id = no_frame;
    };
    // `lookup_offset`: of the frame.
    [[nodiscard]] Known find(ModuleId module, FrameKind kind, std::uint64_t lookup_offset) const;
    // A frame with a rule that find() did not know; one that came earlier may be forgotten.
    void add(ModuleId module, FrameKind kind, std::uint64_t lookup_offset, Known known);

    // Before the first look-up.
    void make_room();
    void forget_all();

private:
    static constexpr unsigned first_bits = 9;  // of the number of sets
    static constexpr unsigned most_bits = 13;
    static constexpr std::size_t few_frames = 1024;  // that the first sets are enough for
    static constexpr std::size_t ways = 3;
    struct alignas(64) Set {
        std::array<std::uint64_t, ways> keys{};  // 0 is free
        std::array<const UnwindRule*, ways> rules{};
        std::array<FrameId, ways> ids{};
    };
    static_assert(sizeof(Set) == 64);

    static std::uint64_t key_of(ModuleId module, FrameKind kind, std::uint64_t lookup_offset);
    [[nodiscard]] std::size_t place_of(std::uint64_t key) const {
        return (key * 0x9e3779b97f4a7c15u) >> (64 - bits_);
    }

    std::vector<Set> sets_;
    unsigned bits_ = first_bits;
    std::size_t added_ = 0;  // since there was room
};

}  // namespace fgread
