// Prefetcher: asks the processor for memory that is needed soon, a little at a time between other
// work. Only some sixteen requests can be under way at once: what comes on top of a burst waits,
// and so do the reads of the work at hand.
#pragma once

#include <algorithm>
#include <cstddef>

#include "perfdata/byte_reader.h"

namespace fgread {

class Prefetcher {
public:
    // From now on `bytes`, which must live until the next begin(); what is left of the last is
    // forgotten. Asks for the first `at_once` of them now.
    void begin(ByteView bytes, std::size_t at_once) {
        const std::size_t now = std::min(at_once, bytes.size());
        for (std::size_t at = 0; at < now; at += cache_line) __builtin_prefetch(&bytes[at]);
        left_ = bytes.subspan(now);
    }
    // For the next two cache lines of them.
    void ask_more() {
        if (left_.size() < 2 * cache_line) return;
        __builtin_prefetch(&left_[0]);
        __builtin_prefetch(&left_[cache_line]);
        left_ = left_.subspan(2 * cache_line);
    }

private:
    static constexpr std::size_t cache_line = 64;
    ByteView left_;
};

}  // namespace fgread
