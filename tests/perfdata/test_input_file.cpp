#include "perfdata/input_file.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>

using namespace fgread;

namespace {

// A directory of one's own, gone at the end of the test.
class TemporaryDirectory {
public:
    TemporaryDirectory() {
        std::string name = (std::filesystem::temp_directory_path() / "fgread-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
    std::string file(const char* name) const { return (path_ / name).string(); }

private:
    std::filesystem::path path_;
};

bool mentions(const Error& error, std::string_view text) {
    return error.message.find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("a regular file is read from any position") {
    const TemporaryDirectory directory;
    const std::string path = directory.file("x");
    std::ofstream(path) << "0123456789";
    const auto file = InputFile::open(path);
    REQUIRE(file.has_value());
    CHECK(file->size() == 10);
    std::array<std::byte, 4> buffer = {};
    CHECK(*file->read_at(3, buffer) == 4);
    CHECK(buffer[0] == std::byte{'3'});
    CHECK(*file->read_at(8, buffer) == 2);
    CHECK(*file->read_at(10, buffer) == 0);
    CHECK(*file->read_at(~0ULL, buffer) == 0);
}

TEST_CASE("a file that shrinks while it is read just ends") {
    const TemporaryDirectory directory;
    const std::string path = directory.file("x");
    std::ofstream(path) << "0123456789";
    const auto file = InputFile::open(path);
    std::filesystem::resize_file(path, 4);
    std::array<std::byte, 8> buffer = {};
    CHECK(*file->read_at(0, buffer) == 4);
}

TEST_CASE("what is not a regular file is refused, without waiting for it") {
    const TemporaryDirectory directory;
    const std::string fifo = directory.file("fifo");
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    for (const std::string& path : {fifo, std::string("/dev/zero"), directory.file("")}) {
        const auto file = InputFile::open(path);
        REQUIRE_FALSE(file.has_value());
        CHECK(file.error().kind == ErrorKind::io);
        CHECK(mentions(file.error(), path));
    }
    CHECK(mentions(InputFile::open(fifo).error(), "not a regular file"));
}

TEST_CASE("a file that is missing or not ours says so") {
    const TemporaryDirectory directory;
    const auto missing = InputFile::open(directory.file("none"));
    REQUIRE_FALSE(missing.has_value());
    CHECK(mentions(missing.error(), "No such file"));
    CHECK(mentions(missing.error(), "perf record"));

    const std::string path = directory.file("secret");
    std::ofstream(path) << "x";
    REQUIRE(::chmod(path.c_str(), 0) == 0);
    const auto secret = InputFile::open(path);
    if (::geteuid() != 0) {  // root may read everything
        REQUIRE_FALSE(secret.has_value());
        CHECK(mentions(secret.error(), "Permission denied"));
    }
}

TEST_CASE("bytes in memory are read like a file") {
    const std::array<std::byte, 3> bytes = {std::byte{1}, std::byte{2}, std::byte{3}};
    InputFile file = InputFile::in_memory(bytes, "memory");
    InputFile moved = std::move(file);
    CHECK(moved.size() == 3);
    CHECK(moved.path() == "memory");
    std::array<std::byte, 8> buffer = {};
    CHECK(*moved.read_at(1, buffer) == 2);
    CHECK(buffer[0] == std::byte{2});
    CHECK(*moved.read_at(99, buffer) == 0);
}
