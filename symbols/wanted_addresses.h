// WantedAddresses: the addresses of a binary that will be asked for, so that only the symbols that
// bear on them are sorted and only their names are read.
//
// librustc_driver has 165,000 symbols with 20 MB of names; a recording of it asks for 3,000.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace fgread {

// Immutable; safe for any number of threads.
class WantedAddresses {
public:
    // None at all: every question is answered with no.
    WantedAddresses() = default;
    // Takes note of `addresses`, in any order. Nothing if they lie so far apart that a table of the
    // pages between them is not worth it. Cost: sorts them, unless
    // they are.
    static std::optional<WantedAddresses> of(std::vector<std::uint64_t> addresses);

    [[nodiscard]] bool contains(std::uint64_t address) const {
        return place_of(address).has_value();
    }
    // Where it is in all(). A search among those of its page.
    [[nodiscard]] std::optional<std::size_t> place_of(std::uint64_t address) const;
    // Sorted, each once.
    [[nodiscard]] const std::vector<std::uint64_t>& all() const { return addresses_; }

    // The number of the first page at or behind the one of `address` that has a wanted address.
    [[nodiscard]] std::optional<std::uint64_t> next_page(std::uint64_t address) const {
        if (distance_.empty()) return std::nullopt;
        const std::uint64_t page = page_of(address);
        if (page <= first_page_) return first_page_;
        if (page - first_page_ >= distance_.size()) return std::nullopt;
        return page + distance_[page - first_page_];
    }

    // True if page number `page` has a wanted address.
    [[nodiscard]] bool wants_page(std::uint64_t page) const {
        // Pages in front of the first one wrap around.
        return page - first_page_ < distance_.size() && distance_[page - first_page_] == 0;
    }

    // Pages from the first to the last with a wanted address.
    [[nodiscard]] std::uint64_t first_page() const { return first_page_; }
    [[nodiscard]] std::size_t page_count() const { return distance_.size(); }

    static constexpr unsigned page_bits = 12;
    static constexpr std::uint64_t page_of(std::uint64_t address) { return address >> page_bits; }

private:
    std::vector<std::uint64_t> addresses_;
    // By page, from the first wanted one: how many pages on the next wanted one is.
    std::uint64_t first_page_ = 0;
    std::vector<std::uint32_t> distance_;
    // By page, and one more: where its addresses begin in addresses_.
    std::vector<std::uint32_t> begin_;
};

}  // namespace fgread
