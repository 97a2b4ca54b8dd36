#include <doctest/doctest.h>

#include <unistd.h>

#include <cstdlib>

#include "perfdata/page_ahead.h"

using namespace fgread;

namespace {

constexpr std::uint64_t size = std::uint64_t{40} << 20;

// Zeros that take no room on the disk.
class EmptyFile {
public:
    EmptyFile() {
        char name[] = "/tmp/fgread-test-XXXXXX";
        descriptor_ = ::mkstemp(name);
        REQUIRE(descriptor_ >= 0);
        ::unlink(name);
        cut(size);
    }
    ~EmptyFile() { ::close(descriptor_); }
    EmptyFile(const EmptyFile&) = delete;
    EmptyFile& operator=(const EmptyFile&) = delete;

    [[nodiscard]] int descriptor() const { return descriptor_; }
    void cut(std::uint64_t bytes) const {
        REQUIRE(::ftruncate(descriptor_, static_cast<off_t>(bytes)) == 0);
    }

private:
    int descriptor_ = -1;
};

}  // namespace

TEST_CASE("whoever maps ahead ends with the reader, wherever that is") {
    MappedFile::catch_lost_pages();
    const EmptyFile file;
    const auto mapped = MappedFile::map(file.descriptor(), 0, size);
    REQUIRE(mapped);
    PageAhead ahead(*mapped, 100, size - 100);
    SUBCASE("at the beginning") {}
    SUBCASE("in the middle") { ahead.reached(size / 2); }
    SUBCASE("at the end") {
        for (std::uint64_t at = 0; at <= size; at += size / 8) ahead.reached(at);
    }
    SUBCASE("in a file that became shorter") {
        file.cut(size / 4);
        ahead.reached(size / 2);
    }
}

TEST_CASE("pages that were lost while they were mapped ahead are the reader's to find") {
    MappedFile::catch_lost_pages();
    const EmptyFile file;
    const auto mapped = MappedFile::map(file.descriptor(), 0, size);
    REQUIRE(mapped);
    file.cut(size / 2);
    { const PageAhead ahead(*mapped, 0, size); }
    CHECK(mapped->bytes()[0] == std::byte{0});
    CHECK_FALSE(mapped->is_whole(size));
}
