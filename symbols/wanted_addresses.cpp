#include "symbols/wanted_addresses.h"

#include <algorithm>

namespace fgread {
namespace {

// 4 GiB of text: no binary has more, and the table has 4 MiB then.
constexpr std::uint64_t max_pages = 1 << 20;

}  // namespace

std::optional<WantedAddresses> WantedAddresses::of(std::vector<std::uint64_t> addresses) {
    WantedAddresses wanted;
    std::sort(addresses.begin(), addresses.end());
    addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
    wanted.addresses_ = std::move(addresses);
    if (wanted.addresses_.empty()) return wanted;

    wanted.first_page_ = page_of(wanted.addresses_.front());
    const std::uint64_t pages = page_of(wanted.addresses_.back()) - wanted.first_page_ + 1;
    if (pages > max_pages) return std::nullopt;
    constexpr std::uint32_t unknown = ~std::uint32_t{0};
    wanted.distance_.assign(pages, unknown);
    for (const std::uint64_t address : wanted.addresses_) {
        wanted.distance_[page_of(address) - wanted.first_page_] = 0;
    }
    // The last page is wanted, so there is always a next one.
    for (std::size_t page = pages - 1; page-- > 0;) {
        if (wanted.distance_[page] == unknown) {
            wanted.distance_[page] = wanted.distance_[page + 1] + 1;
        }
    }
    return wanted;
}

bool WantedAddresses::contains(std::uint64_t address) const {
    return std::binary_search(addresses_.begin(), addresses_.end(), address);
}

}  // namespace fgread
