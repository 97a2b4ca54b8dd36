#include <doctest/doctest.h>

#include <vector>

#include "perfdata/resident_memory.h"

using namespace fgread;

TEST_CASE("what the process takes grows with what it touches") {
    const std::uint64_t before = resident_memory();
    CHECK(before > 100'000);
    const std::size_t size = std::size_t{64} << 20;
    const std::vector<char> touched(size, 1);
    CHECK(touched[size / 2] == 1);
    CHECK(resident_memory() > before + size / 2);
}
