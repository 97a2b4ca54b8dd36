// RelevantSymbols: which of a binary's symbols can bear on the addresses that will be asked for.
//
// Those in the pages of such addresses do. Of all others, those that begin where one begins that
// reaches into such a page, or, because a symbol without a size reaches up to the next one, where
// the last one before such a page does. (And the last one of all, whose end is not the next one.)
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "symbols/wanted_addresses.h"

namespace fgread {

// Sees each symbol once, of which there are some hundred thousand: what is here is on their way.
// Not thread-safe.
class RelevantSymbols {
public:
    // `wanted` must outlive the object.
    explicit RelevantSymbols(const WantedAddresses& wanted);

    // Has to see all symbols (`size`: in bytes). True if this one is in the page of a wanted
    // address.
    bool see(std::uint64_t address, std::uint64_t size) {
        const std::uint64_t page = WantedAddresses::page_of(address) - first_page_;
        if (page >= page_count_) {
            see_outside(address, size);
            return false;
        }
        Page& seen = pages_[page];
        if (seen.is_wanted) return true;
        const unsigned offset = offset_in(address);
        seen.last = std::max(seen.last, static_cast<std::uint16_t>(begins | offset));
        if (size > page_size - offset) see_long(address, size);
        return false;
    }
    // Then, and before the questions.
    void all_seen();

    // Whether a symbol there is relevant that see() said no to.
    [[nodiscard]] bool is_start(std::uint64_t address) const;
    // Quickly: false for most that is_start() says no to.
    [[nodiscard]] bool may_be_start(std::uint64_t address) const {
        const std::size_t place = place_of(address);
        return (may_be_start_[place / 64] >> (place % 64) & 1) != 0;
    }

private:
    static constexpr unsigned page_size = 1u << WantedAddresses::page_bits;
    static constexpr unsigned begins = page_size;
    struct Page {
        std::uint16_t last = 0;  // `begins` and where in it the last symbol does; 0: there is none
        bool is_wanted = false;
    };
    static unsigned offset_in(std::uint64_t address) { return address & (page_size - 1); }

    // Most addresses are none of a few thousand starts: one bit tells that.
    static constexpr unsigned place_bits = 16;
    static std::size_t place_of(std::uint64_t address) {
        return (address * 0x9e3779b97f4a7c15u) >> (64 - place_bits);
    }

    void see_outside(std::uint64_t address, std::uint64_t size);
    void see_long(std::uint64_t address, std::uint64_t size);

    const WantedAddresses& wanted_;
    std::uint64_t first_page_, page_count_;
    std::vector<Page> pages_;   // from the first wanted one to the last
    std::uint64_t before_ = 0;  // the last address in front of them; 0: none
    std::uint64_t behind_ = 0;  // the last one behind them
    std::vector<std::uint64_t> starts_;
    std::array<std::uint64_t, (std::size_t{1} << place_bits) / 64> may_be_start_{};
};

}  // namespace fgread
