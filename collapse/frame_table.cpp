#include "collapse/frame_table.h"

#include "collapse/hash_mix.h"

namespace fgread {

namespace {

constexpr std::size_t initial_slots = 1024;

}  // namespace

std::uint32_t FrameTable::hash_of(const Frame& frame) {
    const auto kind = static_cast<std::uint64_t>(frame.kind);
    return static_cast<std::uint32_t>(
        hash_mix(frame.offset + (std::uint64_t{frame.module.value} << 40) + (kind << 63)));
}

void FrameTable::intern(const std::vector<Frame>& frames, std::vector<FrameId>& ids) {
    // All that may be added: no place moves meanwhile.
    while ((frames_.size() + frames.size()) * 2 >= slots_.size()) grow();
    const std::size_t mask = slots_.size() - 1;
    ids.resize(frames.size());  // hashes at first
    for (std::size_t i = 0; i < frames.size(); ++i) {
        ids[i] = hash_of(frames[i]);
        __builtin_prefetch(&slots_[ids[i] & mask]);
    }
    for (const std::uint32_t hash : ids) {
        const std::uint32_t slot = slots_[hash & mask];
        if (slot != 0) __builtin_prefetch(&frames_[slot - 1]);
    }
    for (std::size_t i = 0; i < frames.size(); ++i) ids[i] = find_or_add(frames[i], ids[i]);
}

FrameId FrameTable::find_or_add(const Frame& frame, std::uint32_t hash) {
    if (frames_.size() * 2 >= slots_.size()) grow();
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
        const std::uint32_t slot = slots_[at];
        if (slot == 0) {
            frames_.push_back(frame);
            slots_[at] = static_cast<std::uint32_t>(frames_.size());
            return static_cast<FrameId>(frames_.size() - 1);
        }
        if (frames_[slot - 1] == frame) return slot - 1;
    }
}

void FrameTable::grow() {
    const std::size_t size = slots_.empty() ? initial_slots : slots_.size() * 2;
    slots_.assign(size, 0);
    for (std::size_t id = 0; id < frames_.size(); ++id) {
        std::size_t at = hash_of(frames_[id]) & (size - 1);
        while (slots_[at] != 0) at = (at + 1) & (size - 1);
        slots_[at] = static_cast<std::uint32_t>(id + 1);
    }
}

}  // namespace fgread
