#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <string>

#include "symbols/rooted_path.h"
#include "tests/symbols/temporary_directory.h"

using namespace fgread;
namespace fs = std::filesystem;

namespace {

// What the file says, "directory", or the error.
std::string content_of(int descriptor) {
    if (descriptor < 0) return errno == ELOOP ? "too many links" : "error";
    std::array<char, 64> text{};
    const ssize_t size = ::read(descriptor, text.data(), text.size());
    const bool is_directory = size < 0 && errno == EISDIR;
    ::close(descriptor);
    if (is_directory) return "directory";
    return size < 0 ? "error" : std::string(text.data(), static_cast<std::size_t>(size));
}

struct Tree {
    Tree() {
        directory.write("outside", "outside");
        directory.write("root/lib/libc.so", "libc");
        directory.write("root/etc/outside", "inside");
        fs::create_symlink("lib", directory.path("root/lib64"));
        fs::create_symlink("/lib/libc.so", directory.path("root/absolute"));
        fs::create_symlink("../../../outside", directory.path("root/lib/up"));
        fs::create_symlink("../etc/./outside", directory.path("root/lib/sideways"));
        fs::create_symlink(directory.path("outside"), directory.path("root/away"));
        fs::create_symlink("b", directory.path("root/a"));
        fs::create_symlink("a", directory.path("root/b"));
        fs::create_symlink("/", directory.path("root/lib/root"));
    }
    [[nodiscard]] std::string stepwise(const std::string& path) const {
        const int root = ::open(directory.path("root").c_str(), O_PATH | O_CLOEXEC);
        const std::string found = content_of(open_stepwise(path, root, O_RDONLY | O_CLOEXEC));
        ::close(root);
        return found;
    }
    [[nodiscard]] std::string open(const std::string& path) const {
        return content_of(open_in_root(path, directory.path("root"), O_RDONLY | O_CLOEXEC));
    }
    test::TemporaryDirectory directory;
};

}  // namespace

TEST_CASE("links and parent directories do not lead out of the root, with openat2 or without") {
    const Tree tree;
    for (const auto& [path, expected] : {
             std::pair{"/lib/libc.so", "libc"},
             {"lib//libc.so", "libc"},
             {"/lib64/libc.so", "libc"},
             {"/absolute", "libc"},
             {"/lib/up", "error"},
             {"/lib/sideways", "inside"},
             {"/away", "error"},
             {"/../outside", "error"},
             {"/../../lib/../lib/libc.so", "libc"},
             {"/lib/root/lib/root/etc/outside", "inside"},
             {"/a", "too many links"},
             {"/lib/libc.so/more", "error"},
             {"/absent", "error"},
             {"/lib", "directory"},
             {"/", "directory"},
             {"/lib/root", "directory"},
         }) {
        INFO(path);
        CHECK(tree.stepwise(path) == expected);
        CHECK(tree.open(path) == expected);
    }
}
