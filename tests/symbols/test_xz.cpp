#include <doctest/doctest.h>

#include "symbols/xz.h"
#include "tests/symbols/xz_builder.h"

using namespace fgread;
using namespace fgread::test;

namespace {

constexpr std::uint64_t plenty = 1 << 20;

}  // namespace

TEST_CASE("xz data is expanded, several streams as one") {
    const Bytes text = bytes_of("some text, some text, some text");
    Bytes packed = xz_of(text);
    REQUIRE_FALSE(packed.empty());
    CHECK(expand_xz(packed, plenty) == text);
    const Bytes twice = packed;
    packed.insert(packed.end(), twice.begin(), twice.end());
    const auto both = expand_xz(packed, plenty);
    REQUIRE(both);
    CHECK(both->size() == 2 * text.size());
    CHECK(expand_xz(xz_of({}), plenty) == Bytes{});
}

TEST_CASE("what expands to more than allowed is not expanded") {
    const Bytes zeros(300'000);
    const Bytes packed = xz_of(zeros);
    CHECK(expand_xz(packed, zeros.size()) == zeros);
    CHECK_FALSE(expand_xz(packed, zeros.size() - 1));
    CHECK_FALSE(expand_xz(packed, 0));
}

TEST_CASE("damaged and cut xz data is refused") {
    const Bytes packed = xz_of(Bytes(1000, std::byte{7}));
    for (std::size_t size = 0; size < packed.size(); ++size) {
        CHECK_FALSE(expand_xz(ByteView(packed).first(size), plenty));
    }
    for (const std::size_t at : {std::size_t{0}, std::size_t{8}, packed.size() / 2}) {
        Bytes damaged = packed;
        damaged[at] ^= std::byte{0x55};
        CHECK_FALSE(expand_xz(damaged, plenty));
    }
    CHECK_FALSE(expand_xz({}, plenty));
    CHECK_FALSE(expand_xz(bytes_of("not xz at all, but long enough for a header"), plenty));
}
