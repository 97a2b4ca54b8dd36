#include "perfdata/input_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <system_error>
#include <utility>

namespace fgread {
namespace {

std::string reason_of(int error) { return std::system_category().message(error); }

Error cannot_open(const std::string& path, int error) {
    std::string advice;
    if (error == ENOENT) {
        advice = "; make one with: perf record --call-graph dwarf -o FILE COMMAND";
    } else if (error == EACCES || error == EPERM) {
        advice = "; recordings made by root belong to root: chown it, or read it as root";
    }
    return {ErrorKind::io, fmt::format("{}: cannot open: {}{}", path, reason_of(error), advice)};
}

Error not_regular(const std::string& path, mode_t mode) {
    if (S_ISDIR(mode)) {
        return {
            ErrorKind::io,
            fmt::format("{}: is a directory, not a recording; name the file, as in {}/perf.data "
                        "(what perf record --threads leaves, a directory, is not supported)",
                        path, path)};
    }
    return {ErrorKind::io,
            fmt::format("{}: is not a regular file (a pipe, socket or device); save the recording "
                        "to a file first",
                        path)};
}

}  // namespace

Result<InputFile> InputFile::open(const std::string& path) {
    // O_NONBLOCK: opening a FIFO without a writer would wait for one.
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (descriptor < 0) return cannot_open(path, errno);
    InputFile file;
    file.path_ = path;
    file.descriptor_ = descriptor;
    struct stat status = {};
    if (::fstat(descriptor, &status) != 0) return cannot_open(path, errno);
    if (!S_ISREG(status.st_mode)) return not_regular(path, status.st_mode);
    file.size_ = static_cast<std::uint64_t>(status.st_size);
    return file;
}

InputFile InputFile::in_memory(ByteView bytes, std::string name) {
    InputFile file;
    file.path_ = std::move(name);
    file.size_ = bytes.size();
    file.memory_ = bytes;
    return file;
}

Result<std::size_t> InputFile::read_at(std::uint64_t offset, std::span<std::byte> buffer) const {
    if (descriptor_ < 0) {
        const std::uint64_t rest = memory_.size() - std::min<std::uint64_t>(offset, memory_.size());
        const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(rest, buffer.size()));
        if (count != 0) std::memcpy(buffer.data(), memory_.data() + offset, count);
        return count;
    }
    std::size_t done = 0;
    while (done < buffer.size()) {
        const std::uint64_t position = offset + done;
        if (position > static_cast<std::uint64_t>(std::numeric_limits<off_t>::max())) break;
        const ssize_t count = ::pread(descriptor_, buffer.data() + done, buffer.size() - done,
                                      static_cast<off_t>(position));
        if (count == 0) break;
        if (count > 0) {
            done += static_cast<std::size_t>(count);
        } else if (errno != EINTR) {
            return Error{ErrorKind::io, fmt::format("{}: cannot read at offset {}: {}", path_,
                                                    position, reason_of(errno))};
        }
    }
    return done;
}

InputFile::InputFile(InputFile&& other) noexcept
    : path_(std::move(other.path_)),
      size_(other.size_),
      descriptor_(std::exchange(other.descriptor_, -1)),
      memory_(std::exchange(other.memory_, {})) {}

InputFile& InputFile::operator=(InputFile&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(size_, other.size_);
    std::swap(descriptor_, other.descriptor_);
    std::swap(memory_, other.memory_);
    return *this;
}

InputFile::~InputFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace fgread
