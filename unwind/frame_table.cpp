#include "unwind/frame_table.h"

#include <algorithm>

namespace fgread {

namespace {

constexpr std::size_t initial_slots = 1024;

std::uint64_t hash_of(const Frame& frame) {
    const auto kind = static_cast<std::uint64_t>(frame.kind);
    const std::uint64_t key =
        frame.offset + (std::uint64_t{frame.module.value} << 40) + (kind << 63);
    const std::uint64_t product = key * 0x9e3779b97f4a7c15u;  // 2^64 / golden ratio
    return product ^ (product >> 32);  // slots are chosen by the low bits, the poor ones
}

}  // namespace

FrameId FrameTable::intern(const Frame& frame) {
    if (frames_.size() * 2 >= slots_.size()) {
        index_all(std::max(slots_.size() * 2, initial_slots));
    }
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = hash_of(frame) & mask;; at = (at + 1) & mask) {
        const std::uint32_t slot = slots_[at];
        if (slot == 0) {
            frames_.push_back(frame);
            slots_[at] = static_cast<std::uint32_t>(frames_.size());
            return static_cast<FrameId>(frames_.size() - 1);
        }
        if (frames_[slot - 1] == frame) return slot - 1;
    }
}

void FrameTable::cut_to(std::size_t count) {
    frames_.resize(count);
    index_all(slots_.size());
}

void FrameTable::index_all(std::size_t slots) {
    slots_.assign(slots, 0);
    for (std::size_t id = 0; id < frames_.size(); ++id) {
        std::size_t at = hash_of(frames_[id]) & (slots - 1);
        while (slots_[at] != 0) at = (at + 1) & (slots - 1);
        slots_[at] = static_cast<std::uint32_t>(id + 1);
    }
}

}  // namespace fgread
