#include "symbols/relevant_symbols.h"

#include "symbols/symbol_choice.h"

namespace fgread {

RelevantSymbols::RelevantSymbols(const WantedAddresses& wanted)
    : wanted_(wanted),
      first_page_(wanted.first_page()),
      page_count_(wanted.page_count()),
      pages_(wanted.page_count()) {
    for (std::size_t page = 0; page < pages_.size(); ++page) {
        pages_[page].is_wanted = wanted.wants_page(first_page_ + page);
    }
}

void RelevantSymbols::see_outside(std::uint64_t address, std::uint64_t size) {
    if (WantedAddresses::page_of(address) >= first_page_) {
        behind_ = std::max(behind_, address);
        return;
    }
    before_ = std::max(before_, address);
    see_long(address, size);
}

// Of one that may reach into a wanted page.
void RelevantSymbols::see_long(std::uint64_t address, std::uint64_t size) {
    const auto next = wanted_.next_page(address);
    if (!next) return;
    if (end_of_symbol(address, size) > *next << WantedAddresses::page_bits) {
        starts_.push_back(address);
    }
}

void RelevantSymbols::all_seen() {
    std::uint64_t before = before_;
    for (std::size_t page = 0; page < pages_.size(); ++page) {
        const Page& seen = pages_[page];
        if (seen.is_wanted) {
            if (before != 0) starts_.push_back(before);
            before = 0;
        } else if (seen.last != 0) {
            before = (first_page_ + page) << WantedAddresses::page_bits | offset_in(seen.last);
        }
    }
    starts_.push_back(behind_);
    starts_.push_back(0);  // which above means that there is none
    std::sort(starts_.begin(), starts_.end());
    starts_.erase(std::unique(starts_.begin(), starts_.end()), starts_.end());
    for (const std::uint64_t address : starts_) {
        const std::size_t place = place_of(address);
        may_be_start_[place / 64] |= std::uint64_t{1} << (place % 64);
    }
}

bool RelevantSymbols::is_start(std::uint64_t address) const {
    const std::uint64_t page = WantedAddresses::page_of(address) - first_page_;
    if (page < page_count_ && pages_[page].is_wanted) return false;
    return std::binary_search(starts_.begin(), starts_.end(), address);
}

}  // namespace fgread
