#include "symbols/rooted_path.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace fgread {
namespace {

// As the kernel's (MAXSYMLINKS).
constexpr int max_links = 40;

class Descriptor {
public:
    explicit Descriptor(int number) : number_(number) {}
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    Descriptor& operator=(Descriptor&&) = delete;
    [[nodiscard]] int get() const { return number_; }

private:
    int number_;
};

// Adds the parts of `path`, the first one last.
void push_parts(std::string_view path, std::vector<std::string>& parts) {
    for (std::size_t end = path.size(); end > 0;) {
        const std::size_t slash = path.substr(0, end).rfind('/');
        const std::size_t begin = slash == std::string_view::npos ? 0 : slash + 1;
        if (begin != end) parts.emplace_back(path.substr(begin, end - begin));
        end = begin == 0 ? 0 : begin - 1;
    }
}

std::optional<std::string> target_of(int link) {
    std::array<char, PATH_MAX> target{};
    const ssize_t size = ::readlinkat(link, "", target.data(), target.size());
    if (size <= 0 || static_cast<std::size_t>(size) == target.size()) return std::nullopt;
    return std::string(target.data(), static_cast<std::size_t>(size));
}

bool is_link(int descriptor) {
    struct stat status {};
    return ::fstat(descriptor, &status) == 0 && S_ISLNK(status.st_mode);
}

int fail_with(int error) {
    errno = error;
    return -1;
}

// openat2 is refused by kernels before 5.6 and by old container sandboxes.
bool openat2_unavailable() { return errno == ENOSYS || errno == EPERM; }

}  // namespace

int open_stepwise(const std::string& path, int root, int flags) {
    std::vector<std::string> parts;
    push_parts(path, parts);
    std::vector<Descriptor> below;  // the directories between the root and where we are
    const auto here = [&] { return below.empty() ? root : below.back().get(); };
    for (int links = 0; !parts.empty();) {
        const std::string part = std::move(parts.back());
        parts.pop_back();
        if (part == ".") continue;
        if (part == "..") {
            if (!below.empty()) below.pop_back();
            continue;
        }
        Descriptor next(::openat(here(), part.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
        if (next.get() < 0) return -1;
        if (is_link(next.get())) {
            const auto target = target_of(next.get());
            if (!target || ++links > max_links) return fail_with(ELOOP);
            if (target->starts_with('/')) below.clear();
            push_parts(*target, parts);
            continue;
        }
        if (parts.empty()) return ::openat(here(), part.c_str(), flags | O_NOFOLLOW);
        below.push_back(std::move(next));
    }
    return ::openat(here(), ".", flags);
}

int open_in_root(const std::string& path, const std::string& root, int flags) {
    const Descriptor directory(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (directory.get() < 0) return -1;
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags);
    how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    const long opened = ::syscall(SYS_openat2, directory.get(), path.c_str(), &how, sizeof how);
    if (opened >= 0 || !openat2_unavailable()) return static_cast<int>(opened);
    return open_stepwise(path, directory.get(), flags);
}

}  // namespace fgread
