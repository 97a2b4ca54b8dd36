#include "unwind/known_frames.h"

#include <algorithm>

namespace fgread {
namespace {

constexpr unsigned offset_bits = 40;  // more than any file has
constexpr unsigned module_bits = 23;

}  // namespace

// No two frames have the same, except 0, which is of those that are not remembered.
std::uint64_t KnownFrames::key_of(ModuleId module, FrameKind kind, std::uint64_t lookup_offset) {
    if (lookup_offset >> offset_bits != 0 || module.value >> module_bits != 0) return 0;
    return lookup_offset | std::uint64_t{module.value} << offset_bits |
           std::uint64_t{kind == FrameKind::exact} << 63;
}

KnownFrames::Known KnownFrames::find(ModuleId module, FrameKind kind,
                                     std::uint64_t lookup_offset) const {
    const std::uint64_t key = key_of(module, kind, lookup_offset);
    const Set& set = sets_[place_of(key)];
    for (std::size_t i = 0; i < ways; ++i) {
        if (set.keys[i] == key) return {set.rules[i], set.ids[i]};
    }
    return {};
}

void KnownFrames::add(ModuleId module, FrameKind kind, std::uint64_t lookup_offset, Known known) {
    const std::uint64_t key = key_of(module, kind, lookup_offset);
    if (key == 0) return;
    if (++added_ == few_frames) {
        bits_ = most_bits;
        sets_.assign(std::size_t{1} << bits_, {});
    }
    Set& set = sets_[place_of(key)];
    for (std::size_t i = ways - 1; i > 0; --i) {
        set.keys[i] = set.keys[i - 1];
        set.rules[i] = set.rules[i - 1];
        set.ids[i] = set.ids[i - 1];
    }
    set.keys[0] = key;
    set.rules[0] = known.rule;
    set.ids[0] = known.id;
}

void KnownFrames::make_room() { sets_.resize(std::size_t{1} << bits_); }

void KnownFrames::forget_all() { std::fill(sets_.begin(), sets_.end(), Set{}); }

}  // namespace fgread
