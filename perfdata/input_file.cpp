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

Error not_regular(const std::string& path) {
    return {ErrorKind::io,
            fmt::format("{}: is not a regular file or a pipe; save the recording to a file first",
                        path)};
}

}  // namespace

Result<InputFile> InputFile::open_at(int directory, const std::string& name, std::string path,
                                     int flags) {
    // O_NONBLOCK: opening a FIFO without a writer would wait for one.
    const int descriptor =
        ::openat(directory, name.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | flags);
    if (descriptor < 0) return cannot_open(path, errno);
    InputFile file;
    file.path_ = std::move(path);
    file.descriptor_ = descriptor;
    struct stat status = {};
    if (::fstat(descriptor, &status) != 0) return cannot_open(file.path_, errno);
    if (!S_ISREG(status.st_mode)) return not_regular(file.path_);
    file.size_ = static_cast<std::uint64_t>(status.st_size);
    return file;
}

Result<InputFile> InputFile::open(const std::string& path) {
    return open_at(AT_FDCWD, path, path, 0);
}

Result<InputFile> InputFile::open_in(const std::string& directory, const std::string& name) {
    const int descriptor = ::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return cannot_open(directory, errno);
    auto file = open_at(descriptor, name, directory + "/" + name, O_NOFOLLOW);
    ::close(descriptor);
    return file;
}

Result<InputFile> InputFile::open_standard_input() {
    InputFile file;
    file.path_ = "standard input";
    file.descriptor_ = ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
    struct stat status = {};
    if (file.descriptor_ < 0 || ::fstat(file.descriptor_, &status) != 0) {
        return cannot_open(file.path_, errno);
    }
    if (!S_ISREG(status.st_mode)) return not_regular(file.path_);
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

InputFile InputFile::of_pieces(std::vector<Piece> pieces, std::uint64_t size, std::string name) {
    InputFile file;
    file.path_ = std::move(name);
    file.size_ = size;
    file.pieces_ = std::move(pieces);
    return file;
}

ByteView InputFile::memory_from(std::uint64_t offset) const {
    const auto rest = [&](ByteView bytes, std::uint64_t begin) {
        const bool inside = offset >= begin && offset - begin < bytes.size();
        return inside ? bytes.subspan(static_cast<std::size_t>(offset - begin)) : ByteView();
    };
    for (const Piece& piece : pieces_) {
        if (const ByteView found = rest(piece.bytes, piece.offset); !found.empty()) return found;
    }
    return rest(memory_, 0);
}

Result<std::size_t> InputFile::read_at(std::uint64_t offset, std::span<std::byte> buffer) const {
    if (descriptor_ < 0) {
        std::size_t count = 0;
        while (count < buffer.size()) {
            const ByteView bytes = memory_from(offset + count);
            if (bytes.empty()) break;
            const std::size_t size = std::min(bytes.size(), buffer.size() - count);
            std::memcpy(buffer.data() + count, bytes.data(), size);
            count += size;
        }
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

void InputFile::map() {
    if (descriptor_ >= 0 && !mapped_) mapped_ = MappedFile::map(descriptor_, size_);
}

InputFile::InputFile(InputFile&& other) noexcept
    : path_(std::move(other.path_)),
      size_(other.size_),
      descriptor_(std::exchange(other.descriptor_, -1)),
      memory_(std::exchange(other.memory_, {})),
      pieces_(std::exchange(other.pieces_, {})),
      mapped_(std::exchange(other.mapped_, {})) {}

InputFile& InputFile::operator=(InputFile&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(size_, other.size_);
    std::swap(descriptor_, other.descriptor_);
    std::swap(memory_, other.memory_);
    std::swap(pieces_, other.pieces_);
    std::swap(mapped_, other.mapped_);
    return *this;
}

InputFile::~InputFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace fgread
