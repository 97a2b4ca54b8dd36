#include "symbols/wanted_addresses.h"

#include <algorithm>

namespace fgread {
namespace {

// 4 GiB of text: no binary has more, and the tables have 8 MiB then.
constexpr std::uint64_t max_pages = 1 << 20;

}  // namespace

std::optional<WantedAddresses> WantedAddresses::of(std::vector<std::uint64_t> addresses) {
    WantedAddresses wanted;
    if (!std::is_sorted(addresses.begin(), addresses.end())) {
        std::sort(addresses.begin(), addresses.end());
    }
    addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
    wanted.addresses_ = std::move(addresses);
    if (wanted.addresses_.empty()) return wanted;

    wanted.first_page_ = page_of(wanted.addresses_.front());
    const std::uint64_t pages = page_of(wanted.addresses_.back()) - wanted.first_page_ + 1;
    if (pages > max_pages) return std::nullopt;
    constexpr std::uint32_t unknown = ~std::uint32_t{0};
    wanted.distance_.assign(pages, unknown);
    wanted.begin_.reserve(pages + 1);
    for (std::uint32_t at = 0; at < wanted.addresses_.size(); ++at) {
        const std::uint64_t page = page_of(wanted.addresses_[at]) - wanted.first_page_;
        wanted.distance_[page] = 0;
        if (page >= wanted.begin_.size()) wanted.begin_.resize(page + 1, at);
    }
    wanted.begin_.resize(pages + 1, static_cast<std::uint32_t>(wanted.addresses_.size()));
    // The last page is wanted, so there is always a next one.
    for (std::size_t page = pages - 1; page-- > 0;) {
        if (wanted.distance_[page] == unknown) {
            wanted.distance_[page] = wanted.distance_[page + 1] + 1;
        }
    }
    return wanted;
}

std::optional<std::size_t> WantedAddresses::place_of(std::uint64_t address) const {
    const std::uint64_t page = page_of(address);
    if (!wants_page(page)) return std::nullopt;
    const auto at = [&](std::uint64_t number) {
        return addresses_.begin() + begin_[number - first_page_];
    };
    const auto found = std::lower_bound(at(page), at(page + 1), address);
    if (found == at(page + 1) || *found != address) return std::nullopt;
    return static_cast<std::size_t>(found - addresses_.begin());
}

}  // namespace fgread
