#include "symbols/radix_sort.h"

#include <doctest/doctest.h>

#include <random>

namespace fgread {
namespace {

struct Numbered {
    std::uint64_t number;
    std::size_t place;
    friend bool operator==(const Numbered&, const Numbered&) = default;
};

std::vector<Numbered> some(std::size_t count, std::uint64_t mask) {
    std::mt19937_64 random(count);
    std::vector<Numbered> items;
    for (std::size_t i = 0; i < count; ++i) items.push_back({random() & mask, i});
    return items;
}

void check_sorted_stably(std::vector<Numbered> items) {
    std::vector<Numbered> expected = items;
    const auto by_number = [](const Numbered& a, const Numbered& b) { return a.number < b.number; };
    std::stable_sort(expected.begin(), expected.end(), by_number);
    sort_by_number(std::span(items), [](const Numbered& item) { return item.number; });
    CHECK(items == expected);
}

TEST_CASE("numbers of any width are sorted, equal ones stay in their order") {
    for (const std::size_t count : {0u, 1u, 2u, 127u, 128u, 1000u}) {
        CAPTURE(count);
        for (const std::uint64_t mask :
             {~std::uint64_t{0}, std::uint64_t{0}, std::uint64_t{0xff}, std::uint64_t{0x0f'0000},
              std::uint64_t{0xff00'0000'0000'000f}, std::uint64_t{0x1'0001'0001}}) {
            CAPTURE(mask);
            check_sorted_stably(some(count, mask));
        }
    }
}

TEST_CASE("a part of a list is sorted in its place") {
    std::vector<std::uint32_t> items;
    for (std::uint32_t i = 1000; i > 0; --i) items.push_back(i);
    sort_by_number(std::span(items).subspan(100, 800), [](std::uint32_t item) { return item; });
    CHECK(items[99] == 901);
    CHECK(items[100] == 101);
    CHECK(items[899] == 900);
    CHECK(items[900] == 100);
}

}  // namespace
}  // namespace fgread
