#include <doctest/doctest.h>

#include <algorithm>

#include "nameless_file.h"
#include "perfdata/page_ahead.h"

using namespace fgread;
using fgread::test::NamelessFile;

namespace {

constexpr std::uint64_t size = std::uint64_t{40} << 20;

}  // namespace

TEST_CASE("whoever maps ahead ends with the reader, wherever that is") {
    MappedFile::catch_lost_pages();
    const NamelessFile file(0);
    file.cut(size);
    const auto mapped = MappedFile::map(file.descriptor(), 0, size);
    REQUIRE(mapped);
    PageAhead ahead(*mapped, 100, size - 100);
    SUBCASE("at the beginning") {}
    SUBCASE("in the middle") { ahead.reached(size / 2); }
    SUBCASE("at the end") {
        for (std::uint64_t at = 0; at < size; at += size / 8)
            ahead.reached(std::max<std::uint64_t>(at, 100));
    }
    SUBCASE("in a file that became shorter") {
        file.cut(size / 4);
        ahead.reached(size / 2);
    }
}

TEST_CASE("pages that were lost while they were mapped ahead are the reader's to find") {
    MappedFile::catch_lost_pages();
    const NamelessFile file(0);
    file.cut(size);
    const auto mapped = MappedFile::map(file.descriptor(), 0, size);
    REQUIRE(mapped);
    file.cut(size / 2);
    { const PageAhead ahead(*mapped, 0, size); }
    CHECK(mapped->bytes()[0] == std::byte{0});
    CHECK_FALSE(mapped->is_whole(size));
}
