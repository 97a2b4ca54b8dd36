#include "symbols/open_in_root.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <vector>

namespace fgread {
namespace {

constexpr int max_links = 40;  // as the kernel

// The directories from the root down to where we are, held open: what somebody renames meanwhile
// cannot lead us elsewhere.
class Walk {
public:
    explicit Walk(int root) : root_(root) {}
    ~Walk() { to_root(); }
    Walk(const Walk&) = delete;
    Walk& operator=(const Walk&) = delete;

    [[nodiscard]] int here() const { return below_.empty() ? root_ : below_.back(); }
    void enter(int directory) { below_.push_back(directory); }
    void up() {
        if (below_.empty()) return;
        ::close(below_.back());
        below_.pop_back();
    }
    void to_root() {
        while (!below_.empty()) up();
    }

private:
    int root_;
    std::vector<int> below_;
};

// Takes the first component off `rest`; empty if there is none.
std::string take_component(std::string& rest) {
    const std::size_t begin = rest.find_first_not_of('/');
    if (begin == std::string::npos) return rest.clear(), "";
    const std::size_t end = std::min(rest.find('/', begin), rest.size());
    std::string component = rest.substr(begin, end - begin);
    rest.erase(0, end);
    return component;
}

std::optional<std::string> link_target(int link) {
    std::array<char, PATH_MAX> target{};
    const ssize_t size = ::readlinkat(link, "", target.data(), target.size());
    if (size <= 0) return std::nullopt;
    return std::string(target.data(), static_cast<std::size_t>(size));
}

int fail(int error) {
    errno = error;
    return -1;
}

}  // namespace

int open_in_root_by_steps(int root, const std::string& path, int flags) {
    Walk walk(root);
    std::string rest = path;
    int links = 0;
    while (true) {
        const std::string name = take_component(rest);
        if (name.empty()) return ::openat(walk.here(), ".", flags);
        if (name == ".") continue;
        if (name == "..") {
            walk.up();
            continue;
        }
        const int found = ::openat(walk.here(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (found < 0) return -1;
        struct stat status {};
        const bool known = ::fstat(found, &status) == 0;
        if (known && S_ISLNK(status.st_mode)) {
            const std::optional<std::string> target = link_target(found);
            ::close(found);
            if (!target || ++links > max_links) return fail(ELOOP);
            if (target->front() == '/') walk.to_root();
            rest.insert(0, *target);
        } else if (known && S_ISDIR(status.st_mode)) {
            walk.enter(found);
        } else {
            ::close(found);
            if (!known || rest.find_first_not_of('/') != std::string::npos) return fail(ENOTDIR);
            return ::openat(walk.here(), name.c_str(), flags | O_NOFOLLOW);
        }
    }
}

int open_in_root(int root, const std::string& path, int flags) {
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags);
    how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    const auto opened =
        static_cast<int>(::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how));
    if (opened >= 0 || (errno != ENOSYS && errno != EPERM)) return opened;
    return open_in_root_by_steps(root, path, flags);
}

}  // namespace fgread
