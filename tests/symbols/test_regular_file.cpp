#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "symbols/open_in_root.h"
#include "symbols/regular_file.h"
#include "tests/symbols/temporary_directory.h"

using namespace fgread;
using test::TemporaryDirectory;

namespace {

// What opening does: 'o' opened, 'm' missing, 'n' not regular, 'u' unreadable.
char try_open(const std::string& path, const std::string& root = {}) {
    OpenFailure failure{};
    if (RegularFile::open(path, root, failure)) return 'o';
    return failure == OpenFailure::missing ? 'm' : failure == OpenFailure::not_regular ? 'n' : 'u';
}

}  // namespace

TEST_CASE("only regular files are opened") {
    const TemporaryDirectory directory;
    CHECK(try_open(directory.write("file", std::string("x"))) == 'o');
    CHECK(try_open(directory.path()) == 'n');
    CHECK(try_open("/dev/null") == 'n');
    CHECK(try_open("/dev/zero") == 'n');
    REQUIRE(::mkfifo(directory.path("fifo").c_str(), 0600) == 0);
    CHECK(try_open(directory.path("fifo")) == 'n');
    const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    directory.path("socket").copy(address.sun_path, sizeof address.sun_path - 1);
    // The type that bind() wants, as everywhere.
    const auto* generic = static_cast<const sockaddr*>(static_cast<const void*>(&address));
    REQUIRE(::bind(socket, generic, sizeof address) == 0);
    CHECK(try_open(directory.path("socket")) == 'n');
    ::close(socket);
}

TEST_CASE("paths that no kernel records are missing") {
    const TemporaryDirectory directory;
    directory.write("file", std::string("x"));
    directory.write("sub/file", std::string("x"));
    CHECK(try_open("") == 'm');
    CHECK(try_open("file") == 'm');
    CHECK(try_open(directory.path("absent")) == 'm');
    CHECK(try_open(directory.path("file/below")) == 'm');
    CHECK(try_open(directory.path("sub/../file")) == 'm');
    CHECK(try_open(directory.path("sub/..")) == 'm');
    CHECK(try_open("/" + std::string(5000, 'a')) == 'm');
    CHECK(try_open(directory.path("file") + std::string("\0x", 2)) == 'm');
    CHECK(try_open("/proc/self/root" + directory.path("file")) == 'm');
}

TEST_CASE("nothing leads out of a root") {
    const TemporaryDirectory root, outside;
    root.write("usr/lib/a", std::string("x"));
    const std::string secret = outside.write("secret", std::string("x"));
    std::filesystem::create_symlink("/usr/lib", root.path("lib"));
    std::filesystem::create_symlink(secret, root.path("usr/lib/link"));
    std::filesystem::create_symlink("../../../../../.." + secret, root.path("usr/lib/dots"));
    CHECK(try_open("/usr/lib/a", root.path()) == 'o');
    CHECK(try_open("/lib/a", root.path()) == 'o');  // an absolute link means the root's
    CHECK(try_open("/usr/lib/link", root.path()) == 'm');
    CHECK(try_open("/usr/lib/dots", root.path()) == 'm');
    CHECK(try_open(secret, root.path()) == 'm');
    CHECK(try_open("/usr/lib/a", root.path("absent")) == 'm');
}

TEST_CASE("links are followed by steps as openat2 follows them") {
    const TemporaryDirectory root, outside;
    root.write("usr/lib/a", std::string("x"));
    const std::string secret = outside.write("secret", std::string("x"));
    std::filesystem::create_symlink("/usr/lib", root.path("lib"));
    std::filesystem::create_symlink("lib/./a", root.path("usr/through"));
    std::filesystem::create_symlink("../lib//a", root.path("usr/lib/up"));
    std::filesystem::create_symlink("/lib/up", root.path("chain"));
    std::filesystem::create_symlink(secret, root.path("usr/lib/link"));
    std::filesystem::create_symlink("../../../../../.." + secret, root.path("usr/lib/dots"));
    std::filesystem::create_symlink("loop", root.path("loop"));
    std::filesystem::create_symlink("/", root.path("slash"));
    REQUIRE(::mkfifo(root.path("fifo").c_str(), 0600) == 0);
    const int directory = ::open(root.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    // Which file it was, or why none.
    const auto try_both = [&](const std::string& path) {
        std::pair<ino_t, int> found[2];
        for (const bool steps : {false, true}) {
            constexpr int flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC;
            const int descriptor = steps ? open_in_root_by_steps(directory, path, flags)
                                         : open_in_root(directory, path, flags);
            struct stat status {};
            found[steps ? 1 : 0] = {0, errno};
            if (descriptor < 0) continue;
            REQUIRE(::fstat(descriptor, &status) == 0);
            found[steps ? 1 : 0] = {status.st_ino, 0};
            ::close(descriptor);
        }
        CAPTURE(path);
        CHECK(found[0] == found[1]);
        return found[1].second;
    };
    for (const char* path : {"/usr/lib/a", "/lib/a", "/usr/through", "/usr/lib/up", "/chain",
                             "/usr", "/slash/lib/a", "/slash", "/", "/fifo", "//usr///lib/a"}) {
        CHECK(try_both(path) == 0);
    }
    for (const char* path : {"/usr/lib/link", "/usr/lib/dots", "/absent", "/usr/absent/a"}) {
        CHECK(try_both(path) == ENOENT);
    }
    CHECK(try_both(secret) == ENOENT);
    CHECK(try_both("/usr/lib/a/below") == ENOTDIR);
    CHECK(try_both("/loop") == ELOOP);
    CHECK(try_both("/" + std::string(300, 'a')) == ENAMETOOLONG);
    ::close(directory);
}

TEST_CASE("reads stay inside the file, also after it has shrunk") {
    const TemporaryDirectory directory;
    const std::string path = directory.write("file", std::string("0123456789"));
    OpenFailure failure{};
    const auto file = RegularFile::open(path, {}, failure);
    REQUIRE(file);
    OwnedBytes four(4);
    CHECK(file->read_at(6, four.writable()));
    CHECK(four.view()[0] == std::byte('6'));
    CHECK_FALSE(file->read_at(7, four.writable()));
    CHECK_FALSE(file->read_at(~std::uint64_t{0}, four.writable()));
    std::filesystem::resize_file(path, 5);
    CHECK_FALSE(file->read_at(4, four.writable()));
}

TEST_CASE("a changed file has another identity") {
    const TemporaryDirectory directory;
    const std::string path = directory.write("file", std::string("a"));
    OpenFailure failure{};
    const FileIdentity before = RegularFile::open(path, {}, failure)->identity();
    CHECK(RegularFile::open(path, {}, failure)->identity() == before);
    directory.write("file", std::string("ab"));
    CHECK(RegularFile::open(path, {}, failure)->identity() != before);
}

TEST_CASE("whole files are read up to a limit") {
    const TemporaryDirectory directory;
    const std::string path = directory.write("file", std::string(3 << 20, 'x'));
    CHECK(read_whole_file(path, 3 << 20)->size() == 3 << 20);
    CHECK_FALSE(read_whole_file(path, (3 << 20) - 1));
    CHECK_FALSE(read_whole_file(directory.path(), 100));
    CHECK_FALSE(read_whole_file("/dev/zero", 100));
    CHECK_FALSE(read_whole_file(directory.path("absent"), 100));
    CHECK_FALSE(read_whole_file("/proc/self/maps", 1 << 20)->empty());  // has no size in stat
}
