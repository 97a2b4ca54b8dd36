#include <doctest/doctest.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <bit>

#include "nameless_file.h"
#include "perfdata/mapped_file.h"

using namespace fgread;
using fgread::test::NamelessFile;

namespace {

constexpr std::size_t page = 4096;

std::size_t count_of(ByteView bytes, char what) {
    return static_cast<std::size_t>(
        std::count(bytes.begin(), bytes.end(), static_cast<std::byte>(what)));
}

// Whether the system has mapped the page of this byte: the highest bit of its word in pagemap
// (Documentation/admin-guide/mm/pagemap.rst).
bool is_in_memory(const MappedFile& mapped, std::size_t offset) {
    const std::byte* address = &mapped.bytes()[offset];
    const int pagemap = ::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    REQUIRE(pagemap >= 0);
    std::uint64_t entry = 0;
    const auto number = static_cast<off_t>(std::bit_cast<std::uintptr_t>(address) / page);
    const off_t place = number * static_cast<off_t>(sizeof entry);
    const ssize_t got = ::pread(pagemap, &entry, sizeof entry, place);
    ::close(pagemap);
    REQUIRE(got == sizeof entry);
    return entry >> 63 != 0;
}

}  // namespace

TEST_CASE("files are mapped only in programs that catch lost pages") {
    const NamelessFile file(page);
    // Test cases come in any order, and there is no way back.
    static const bool before = MappedFile::map(file.descriptor(), 0, page).has_value();
    CHECK_FALSE(before);
    MappedFile::catch_lost_pages();
    CHECK(MappedFile::map(file.descriptor(), 0, page));
    CHECK_FALSE(MappedFile::map(file.descriptor(), 0, 0));
    CHECK_FALSE(MappedFile::map(-1, 0, page));
}

TEST_CASE("pages that a mapped file no longer has read as zeros, and it says so") {
    MappedFile::catch_lost_pages();
    const NamelessFile file(8 * page);
    const auto mapped = MappedFile::map(file.descriptor(), 0, 8 * page);
    REQUIRE(mapped);
    CHECK(count_of(mapped->bytes(), 'x') == 8 * page);
    CHECK(mapped->is_whole(8 * page));
    mapped->release(0, 8 * page);
    SUBCASE("cut between two pages") {
        file.cut(3 * page);
        CHECK(count_of(mapped->bytes(), 'x') == 3 * page);
        CHECK(MappedFile::was_any_lost());
    }
    // No signal tells of what is missing of the last page.
    SUBCASE("cut inside the last page") {
        file.cut(8 * page - 100);
        CHECK(count_of(mapped->bytes(), '\0') == 100);
    }
    CHECK_FALSE(mapped->is_whole(8 * page));
}

TEST_CASE("pages are fetched as long as the file has them, and none of those it has lost") {
    MappedFile::catch_lost_pages();
    const NamelessFile file(8 * page);
    const auto mapped = MappedFile::map(file.descriptor(), 0, 8 * page);
    REQUIRE(mapped);
    file.cut(3 * page);
    REQUIRE_FALSE(is_in_memory(*mapped, 0));
    mapped->begin_reading(0, page);
    CHECK_FALSE(is_in_memory(*mapped, 0));
    CHECK(count_of(mapped->bytes().first(page), 'x') == page);
    CHECK(mapped->is_whole(3 * page));
}

TEST_CASE("what was read of a mapped file is given back and can be read again") {
    MappedFile::catch_lost_pages();
    constexpr std::size_t size = std::size_t{9} << 20;
    const NamelessFile file(size);
    const auto mapped = MappedFile::map(file.descriptor(), 0, size);
    REQUIRE(mapped);
    for (const std::size_t offset : {std::size_t{0}, size / 2, size, size / 3, size}) {
        mapped->begin_reading(offset, 1);
        CHECK(count_of(mapped->bytes().first(offset), 'x') == offset);
        mapped->end_reading(offset);
    }
    CHECK(count_of(mapped->bytes(), 'x') == size);
    CHECK(mapped->is_whole(size));
}

TEST_CASE("the memory of all mapped files is given back at once, and they can be read again") {
    MappedFile::catch_lost_pages();
    const NamelessFile file(8 * page);
    const auto first = MappedFile::map(file.descriptor(), 0, 8 * page);
    const auto second = MappedFile::map(file.descriptor(), page, page);
    REQUIRE(first);
    REQUIRE(second);
    CHECK(count_of(first->bytes(), 'x') == 8 * page);
    CHECK(count_of(second->bytes(), 'x') == page);
    MappedFile::release_all();
    CHECK_FALSE(is_in_memory(*first, 0));
    CHECK_FALSE(is_in_memory(*first, 7 * page));
    CHECK_FALSE(is_in_memory(*second, 0));
    CHECK(count_of(first->bytes(), 'x') == 8 * page);
    CHECK(count_of(second->bytes(), 'x') == page);
    CHECK(first->is_whole(8 * page));
}

TEST_CASE("readers find the pages behind theirs fetched, but not fetched twice") {
    MappedFile::catch_lost_pages();
    constexpr std::size_t mib = std::size_t{1} << 20, size = 9 * mib;
    const NamelessFile file(size);
    const auto mapped = MappedFile::map(file.descriptor(), 0, size);
    REQUIRE(mapped);
    REQUIRE_FALSE(is_in_memory(*mapped, mib));
    mapped->begin_reading(mib, 1);
    CHECK(is_in_memory(*mapped, mib));
    CHECK(is_in_memory(*mapped, 3 * mib));
    CHECK_FALSE(is_in_memory(*mapped, 5 * mib));
    mapped->release(0, 4 * mib);
    mapped->begin_reading(mib, mib);
    CHECK_FALSE(is_in_memory(*mapped, mib));
    mapped->begin_reading(size - 1, 1);
    CHECK(is_in_memory(*mapped, size - 1));
    mapped->begin_reading(size, 1);
    CHECK(mapped->is_whole(size));
}

TEST_CASE("one reader alone gives back what is behind him sooner than several do") {
    MappedFile::catch_lost_pages();
    constexpr std::size_t mib = std::size_t{1} << 20, size = 10 * mib;
    const NamelessFile file(size);
    for (const bool several : {false, true}) {
        const auto mapped = MappedFile::map(file.descriptor(), 0, size);
        REQUIRE(mapped);
        CHECK(count_of(mapped->bytes(), 'x') == size);
        if (several) mapped->begin_reading(9 * mib, 1);
        mapped->begin_reading(8 * mib, 1);
        mapped->end_reading(8 * mib);
        CHECK(is_in_memory(*mapped, 0) == several);
    }
}

TEST_CASE("what another one still reads of a mapped file is not given back") {
    MappedFile::catch_lost_pages();
    constexpr std::size_t mib = std::size_t{1} << 20, size = 40 * mib;
    const NamelessFile file(size);
    const auto mapped = MappedFile::map(file.descriptor(), 0, size);
    REQUIRE(mapped);
    mapped->begin_reading(0, mib);
    mapped->begin_reading(30 * mib, mib);
    CHECK(count_of(mapped->bytes(), 'x') == size);
    mapped->end_reading(30 * mib);
    CHECK(is_in_memory(*mapped, 0));
    CHECK(is_in_memory(*mapped, 29 * mib));
    mapped->end_reading(0);
    mapped->begin_reading(35 * mib, mib);
    mapped->end_reading(35 * mib);
    CHECK_FALSE(is_in_memory(*mapped, 0));
    CHECK_FALSE(is_in_memory(*mapped, 29 * mib));
    CHECK(is_in_memory(*mapped, 36 * mib));
    mapped->end_all_reading();
    CHECK_FALSE(is_in_memory(*mapped, 36 * mib));
    CHECK(mapped->bytes()[36 * mib] == std::byte{'x'});
}

TEST_CASE("a part of a file is mapped from any offset") {
    MappedFile::catch_lost_pages();
    const NamelessFile file(3 * page);
    REQUIRE(::pwrite(file.descriptor(), "abc", 3, page + 7) == 3);
    auto mapped = MappedFile::map(file.descriptor(), page + 7, page);
    REQUIRE(mapped);
    const MappedFile moved = std::move(*mapped);
    CHECK(moved.bytes().size() == page);
    CHECK(count_of(moved.bytes().first(3), 'x') == 0);
    CHECK(count_of(moved.bytes().subspan(3), 'x') == page - 3);
    moved.release(0, page);
    CHECK(moved.bytes()[0] == std::byte{'a'});
}
