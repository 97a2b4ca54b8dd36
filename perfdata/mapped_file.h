// MappedFile: the bytes of a file as memory, without a copy.
//
// Whoever reads a page that a mapped file no longer has, because somebody made the file shorter, is
// killed by SIGBUS. So files are mapped only in programs that have asked for this with
// catch_lost_pages(): there such pages read as zeros, and is_whole() tells.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "perfdata/byte_reader.h"

namespace fgread {

class MappedFile {
public:
    // From now on this process survives lost pages of MappedFiles: installs a handler for SIGBUS,
    // which leaves all others to the one that was there before. For programs, early in main(): a
    // library does not choose handlers. Not thread-safe; more calls do nothing.
    static void catch_lost_pages();

    // The first `size` bytes of the open file `descriptor`, which must stay open. Nothing before
    // catch_lost_pages(), for an empty file, or where the system refuses.
    static std::optional<MappedFile> map(int descriptor, std::uint64_t size);

    // As long as this object lives, also after it was moved. Thread-safe.
    [[nodiscard]] ByteView bytes() const { return {data_, size_}; }

    // Gives the memory of these bytes back to the system, and of up to 2 MiB before them: they can
    // be read again. Thread-safe.
    void release(std::uint64_t offset, std::uint64_t size) const;

    // Whether all that was read so far below `end` was really in the file. Asks the system for its
    // size (0.3 us): within its last page a shorter file reads as zeros without any signal.
    // Thread-safe.
    [[nodiscard]] bool is_whole(std::uint64_t end) const;

    MappedFile(MappedFile&& other) noexcept;
    MappedFile& operator=(MappedFile&& other) noexcept;
    ~MappedFile();

    // What the handler knows of a mapping; all of it can be read at any moment.
    struct Watched {
        std::atomic<std::uintptr_t> begin{0};
        std::atomic<std::uintptr_t> end{0};  // 0: not in use
        std::atomic<bool> taken{false};
        std::atomic<bool> lost{false};
    };

private:
    MappedFile(int descriptor, std::byte* data, std::size_t size, Watched* watched)
        : descriptor_(descriptor), data_(data), size_(size), watched_(watched) {}

    int descriptor_ = -1;
    std::byte* data_ = nullptr;
    std::size_t size_ = 0;
    Watched* watched_ = nullptr;
};

}  // namespace fgread
