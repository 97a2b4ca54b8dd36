#include "symbols/regular_file.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "symbols/open_in_root.h"

namespace fgread {
namespace {

// O_NONBLOCK: opening a FIFO must not wait for a writer. O_NOCTTY: a tty must not become ours.
constexpr int read_flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
// Looks a file up without opening it: merely opening a device (a watchdog) may have an effect.
constexpr int look_flags = O_PATH | O_CLOEXEC;

// One pread; Linux transfers at most 2 GiB - 4 KiB a call.
constexpr std::size_t max_read = std::size_t{1} << 30;
// Below this a read costs less than a mapping.
constexpr std::size_t min_mapped = std::size_t{64} << 10;
// What is read first of a file of unknown size; doubled as needed (/proc/kallsyms: 5 to 12 MB).
constexpr std::size_t first_block = std::size_t{1} << 20;

// The kernel records absolute, canonical paths; anything else was made up.
bool is_plain_path(const std::string& path) {
    if (path.empty() || path[0] != '/' || path.find('\0') != std::string::npos) return false;
    return path.find("/../") == std::string::npos && !path.ends_with("/..");
}

int open_without_magic(const std::string& path, int flags) {
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags);
    how.resolve = RESOLVE_NO_MAGICLINKS;
    return static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how));
}

// openat2 is refused by kernels before 5.6 and by old container sandboxes.
bool openat2_unavailable() { return errno == ENOSYS || errno == EPERM; }

int open_path(const std::string& path, const std::string& root, int flags) {
    if (!root.empty()) {
        const int directory = ::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (directory < 0) return -1;
        const int descriptor = open_in_root(directory, path, flags);
        const int error = errno;
        ::close(directory);
        errno = error;
        return descriptor;
    }
    const int descriptor = open_without_magic(path, flags);
    if (descriptor >= 0 || !openat2_unavailable()) return descriptor;
    return ::open(path.c_str(), flags);
}

OpenFailure failure_of(int error) {
    switch (error) {
        case ENOENT:
        case ENOTDIR:
        case ELOOP:
        case EXDEV:
        case ENAMETOOLONG:
            return OpenFailure::missing;
        case ENXIO:  // a socket, or a FIFO nobody writes to
        case ENODEV:
            return OpenFailure::not_regular;
        default:
            return OpenFailure::unreadable;
    }
}

std::uint64_t nanoseconds(const timespec& time) {
    if (time.tv_sec < 0) return 0;
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(time.tv_nsec);
}

}  // namespace

std::string unreadable_text(int error) {
    return "cannot be read: " + std::system_category().message(error);
}

std::optional<RegularFile> RegularFile::open(const std::string& path, const std::string& root,
                                             OpenFailure& failure) {
    failure = OpenFailure::missing;
    if (!is_plain_path(path)) return std::nullopt;
    const std::optional<RegularFile> seen = open_checked(path, root, look_flags, failure);
    if (!seen) return std::nullopt;
    return open_checked(path, root, read_flags, failure);
}

std::optional<RegularFile> RegularFile::open_checked(const std::string& path,
                                                     const std::string& root, int flags,
                                                     OpenFailure& failure) {
    const int descriptor = open_path(path, root, flags);
    if (descriptor < 0) {
        failure = failure_of(errno);
        return std::nullopt;
    }
    RegularFile file(descriptor, {});
    struct stat status {};
    if (::fstat(descriptor, &status) != 0) {
        failure = OpenFailure::unreadable;
        return std::nullopt;
    }
    if (!S_ISREG(status.st_mode)) {
        failure = OpenFailure::not_regular;
        return std::nullopt;
    }
    file.identity_ = {status.st_dev, status.st_ino,
                      static_cast<std::uint64_t>(std::max<off_t>(status.st_size, 0)),
                      nanoseconds(status.st_mtim)};
    return file;
}

bool RegularFile::read_at(std::uint64_t offset, std::span<std::byte> into) const {
    if (offset > identity_.size || into.size() > identity_.size - offset) return false;
    while (!into.empty()) {
        const ssize_t got = ::pread(descriptor_, into.data(), std::min(into.size(), max_read),
                                    static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        into = into.subspan(static_cast<std::size_t>(got));
        offset += static_cast<std::uint64_t>(got);
    }
    return true;
}

OwnedBytes RegularFile::read(std::uint64_t offset, std::size_t size) const {
    if (offset > identity_.size || size > identity_.size - offset) return {};
    if (auto mapped = map(offset, size)) return std::move(*mapped);
    OwnedBytes bytes(size);
    return read_at(offset, bytes.writable()) ? std::move(bytes) : OwnedBytes();
}

std::optional<OwnedBytes> RegularFile::map(std::uint64_t offset, std::size_t size) const {
    if (offset > identity_.size || size > identity_.size - offset) return std::nullopt;
    if (size < min_mapped) return std::nullopt;
    auto mapped = MappedFile::map(descriptor_, offset, size);
    return mapped ? std::optional<OwnedBytes>(std::move(*mapped)) : std::nullopt;
}

bool RegularFile::has_private_device_number() const {
    struct statfs status {};
    if (::fstatfs(descriptor_, &status) != 0) return false;
    return status.f_type == BTRFS_SUPER_MAGIC || status.f_type == OVERLAYFS_SUPER_MAGIC;
}

RegularFile::~RegularFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

RegularFile::RegularFile(RegularFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), identity_(other.identity_) {}

RegularFile& RegularFile::operator=(RegularFile&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    identity_ = other.identity_;
    return *this;
}

std::optional<OwnedBytes> read_whole_file(const std::string& path, std::size_t max_size) {
    const int descriptor = ::open(path.c_str(), read_flags);
    if (descriptor < 0) return std::nullopt;
    struct stat status {};
    bool ok = ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
    const auto size = static_cast<std::size_t>(std::max<off_t>(ok ? status.st_size : 0, 0));
    if (size >= min_mapped && size <= max_size) {
        if (auto mapped = MappedFile::map(descriptor, 0, size)) {
            ::close(descriptor);
            return OwnedBytes(std::move(*mapped));
        }
    }
    OwnedBytes bytes(first_block);
    std::size_t used = 0;
    while (ok) {
        if (used == bytes.size()) {
            OwnedBytes larger(bytes.size() * 2);
            std::copy_n(bytes.view().begin(), used, larger.writable().begin());
            bytes = std::move(larger);
        }
        const ssize_t got = ::read(descriptor, bytes.writable().data() + used, bytes.size() - used);
        if (got < 0 && errno == EINTR) continue;
        if (got == 0) break;
        ok = got > 0 && used + static_cast<std::size_t>(got) <= max_size;
        if (ok) used += static_cast<std::size_t>(got);
    }
    ::close(descriptor);
    if (!ok) return std::nullopt;
    bytes.shorten(used);
    return bytes;
}

}  // namespace fgread
