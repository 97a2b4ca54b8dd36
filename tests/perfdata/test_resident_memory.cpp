#include <doctest/doctest.h>
#include <sys/mman.h>

#include <cstring>

#include "perfdata/resident_memory.h"

using namespace fgread;

TEST_CASE("what the process takes grows with what it touches") {
    const std::uint64_t before = resident_memory();
    CHECK(before > 100'000);
    const std::size_t size = std::size_t{64} << 20;
    // Not from malloc, which may have kept what other tests gave back.
    void* const touched =
        ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(touched != MAP_FAILED);
    std::memset(touched, 1, size);
    CHECK(resident_memory() > before + size / 2);
    ::munmap(touched, size);
}
