// RegularFile: a file of this machine opened so that a hostile path can do no harm.
//
// Paths come from the recording, that is from somebody else. A FIFO would block for ever, a tty or
// device may act on being opened, "/proc/1/root/..." leads elsewhere: only regular files are ever
// read, through the one descriptor that was checked.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "perfdata/byte_reader.h"
#include "perfdata/mapped_file.h"

namespace fgread {

// Bytes of a file, owned: read or mapped. Empty if nothing was read.
class OwnedBytes {
public:
    OwnedBytes() = default;
    // `size` uninitialised bytes.
    explicit OwnedBytes(std::size_t size)
        : data_(std::make_unique_for_overwrite<std::byte[]>(size)), size_(size) {}
    explicit OwnedBytes(MappedFile mapped)
        : mapped_(std::move(mapped)), size_(mapped_->bytes().size()) {}

    [[nodiscard]] ByteView view() const {
        return mapped_ ? mapped_->bytes().first(size_) : ByteView(data_.get(), size_);
    }
    // Not of mapped ones.
    [[nodiscard]] std::span<std::byte> writable() { return {data_.get(), size_}; }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] bool empty() const { return size_ == 0; }
    // Drops the end; `size` <= size().
    void shorten(std::size_t size) { size_ = size; }

private:
    std::unique_ptr<std::byte[]> data_;
    std::optional<MappedFile> mapped_;
    std::size_t size_ = 0;
};

// Which file it was, and in which state: equal identities mean unchanged content.
struct FileIdentity {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t size = 0;
    std::uint64_t modified_ns = 0;  // since the epoch
    friend auto operator<=>(const FileIdentity&, const FileIdentity&) = default;
};

enum class OpenFailure : std::uint8_t {
    missing,      // no such file, or a path that no kernel records ("..", relative)
    not_regular,  // FIFO, device, directory, socket
    unreadable,   // no permission, or another error of the system
};
// "cannot be read: Permission denied".
[[nodiscard]] std::string unreadable_text(int error);

// Not thread-safe except read_at.
class RegularFile {
public:
    // Opens `path`, which must be absolute and without "..". If `root` is not empty, the path is
    // taken beneath it as a chroot would: no link leads out of it. Never blocks. Of one that is
    // unreadable, errno says why.
    static std::optional<RegularFile> open(const std::string& path, const std::string& root,
                                           OpenFailure& failure);

    [[nodiscard]] const FileIdentity& identity() const { return identity_; }
    [[nodiscard]] std::uint64_t size() const { return identity_.size; }
    [[nodiscard]] int descriptor() const { return descriptor_; }

    // Fills `into` from `offset`; false if the file does not have all of these bytes (it may have
    // shrunk since it was opened). Thread-safe.
    [[nodiscard]] bool read_at(std::uint64_t offset, std::span<std::byte> into) const;
    // These bytes, mapped if they are many and the program lets files be mapped (MappedFile): of a
    // large section little is looked at. Empty if the file does not have all of them. Thread-safe.
    [[nodiscard]] OwnedBytes read(std::uint64_t offset, std::size_t size) const;

    // These bytes mapped; nothing where read() would copy them.
    [[nodiscard]] std::optional<OwnedBytes> map(std::uint64_t offset, std::size_t size) const;

    // True if the file system reports another device number in stat than in the kernel's records
    // (btrfs subvolumes, overlayfs).
    [[nodiscard]] bool has_private_device_number() const;

    ~RegularFile();
    RegularFile(RegularFile&& other) noexcept;
    RegularFile& operator=(RegularFile&& other) noexcept;

private:
    RegularFile(int descriptor, const FileIdentity& identity)
        : descriptor_(descriptor), identity_(identity) {}
    static std::optional<RegularFile> open_checked(const std::string& path, const std::string& root,
                                                   int flags, OpenFailure& failure);

    int descriptor_ = -1;
    FileIdentity identity_;
};

// The whole content of a file the user named, or of one of the kernel's (/proc, /sys: they have no
// size before they are read). Nothing if it is not a regular file, cannot be read, or has more
// than `max_size` bytes.
[[nodiscard]] std::optional<OwnedBytes> read_whole_file(const std::string& path,
                                                        std::size_t max_size);

}  // namespace fgread
