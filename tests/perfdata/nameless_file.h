// NamelessFile: a file that has no name any more, to be mapped and cut.
#pragma once

#include <doctest/doctest.h>

#include <unistd.h>

#include <cstdlib>
#include <string>

namespace fgread::test {

// Of `size` bytes 'x'.
class NamelessFile {
public:
    explicit NamelessFile(std::size_t size) {
        char name[] = "/tmp/fgread-test-XXXXXX";
        descriptor_ = ::mkstemp(name);
        REQUIRE(descriptor_ >= 0);
        ::unlink(name);
        const std::string bytes(size, 'x');
        REQUIRE(::pwrite(descriptor_, bytes.data(), size, 0) == static_cast<ssize_t>(size));
    }
    ~NamelessFile() { ::close(descriptor_); }
    NamelessFile(const NamelessFile&) = delete;
    NamelessFile& operator=(const NamelessFile&) = delete;

    [[nodiscard]] int descriptor() const { return descriptor_; }
    // Also to more than it has: zeros, which take no room on the disk.
    void cut(std::size_t size) const {
        REQUIRE(::ftruncate(descriptor_, static_cast<off_t>(size)) == 0);
    }

private:
    int descriptor_ = -1;
};

}  // namespace fgread::test
