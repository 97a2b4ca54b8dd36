// FdeCounts: how many FDEs of a section there are in each KiB of text. Where an index knows as
// many, it knows all of them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <vector>

#include "unwind/fde_index.h"

namespace fgread {

// Not thread-safe: the owner locks.
class FdeCounts {
public:
    // Knows addresses in `span` only, and none if that is too wide.
    explicit FdeCounts(AddressRange span) : base_(span.first & ~(piece - 1)) {
        constexpr std::uint64_t top = ~std::uint64_t{0} - piece;
        if (span.first > span.last || span.last - span.first >= max_span || span.last > top) return;
        size_ = (span.last - base_) / piece + 1;
        counts_.resize(static_cast<std::size_t>(size_ + 1));
    }

    // An FDE of [start, end); `end` below `start` is at the end of the address space.
    void add(std::uint64_t start, std::uint64_t end) {
        const std::uint64_t first = (start - base_) / piece, last = (end - 1 - base_) / piece;
        if (first > last || last >= size_) return add_part(start, end);
        ++counts_[first];
        --counts_[last + 1];
    }
    // After all, and before the first question.
    void all_added() { std::partial_sum(counts_.begin(), counts_.end(), counts_.begin()); }

    // The piece of text that has the address, and how many FDEs are in it; nothing if that is not
    // known.
    struct Count {
        AddressRange piece;
        std::size_t fdes = 0;
    };
    [[nodiscard]] std::optional<Count> at(std::uint64_t address) const {
        const std::uint64_t place = (address - base_) / piece;
        if (place >= size_) return std::nullopt;
        const std::uint64_t first = base_ + place * piece;
        return Count{{first, first + (piece - 1)}, counts_[place]};
    }

private:
    static constexpr std::uint64_t piece = 1024;
    // Four times the largest text that was seen; 2 MiB of counts.
    static constexpr std::uint64_t max_span = std::uint64_t{512} << 20;

    // Of which not all lies in the span.
    void add_part(std::uint64_t start, std::uint64_t end) {
        if (end < start) end = ~std::uint64_t{0};
        start = std::max(start, base_);
        end = std::min(end, base_ + size_ * piece);
        if (start < end) add(start, end);
    }

    std::uint64_t base_;
    std::uint64_t size_ = 0;  // pieces
    // By piece; until all are added: how many more there are than in the one before.
    std::vector<std::uint32_t> counts_;
};

}  // namespace fgread
