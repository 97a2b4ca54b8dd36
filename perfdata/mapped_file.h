// MappedFile: the bytes of a file as memory, without a copy.
//
// Whoever reads a page that a mapped file no longer has, because somebody made the file shorter, is
// killed by SIGBUS. So files are mapped only in programs that have asked for this with
// catch_lost_pages(): there such pages read as zeros, and is_whole() tells.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "perfdata/byte_reader.h"

namespace fgread {

class MappedFile {
public:
    // From now on this process survives lost pages of MappedFiles: installs a handler for SIGBUS,
    // which leaves all others to the one that was there before. For programs, early in main(): a
    // library does not choose handlers. Not thread-safe; more calls do nothing.
    static void catch_lost_pages();

    // `size` bytes of the open file `descriptor` from `offset` on, all of which it must have.
    // Nothing before catch_lost_pages(), for no bytes, or where the system refuses.
    static std::optional<MappedFile> map(int descriptor, std::uint64_t offset, std::uint64_t size);

    // Valid as long as this object lives, also after it was moved. Thread-safe.
    [[nodiscard]] ByteView bytes() const { return {data_ + skipped_, size_ - skipped_}; }

    // Whether some page of any MappedFile was lost when it was read, so far in this process.
    [[nodiscard]] static bool was_any_lost();

    // Gives the memory of all MappedFiles of this process back to the system; they can be read
    // again. Thread-safe.
    static void release_all();

    // Gives the memory of these bytes (`offset` of bytes()) back to the system, and of up to 2 MiB
    // before them: they can be read again. Thread-safe.
    void release(std::uint64_t offset, std::uint64_t size) const;

    // For those who read the file from its beginning on, maybe several at a time: one begins to
    // read these bytes. Fetches the pages up to some MiB behind them, each once. Thread-safe.
    void begin_reading(std::uint64_t offset, std::uint64_t size) const;
    // The same one has read what he began at `offset`. Gives back what lies before all that is
    // still read: 4 MiB at once, 16 MiB if several read. Thread-safe.
    void end_reading(std::uint64_t offset) const;
    // Nobody reads the file any more, in this order: gives back the rest. Thread-safe.
    void end_all_reading() const;

    // Whether all that was read so far below `end` (of the file) was really there. Asks the system
    // for its size (0.3 us): within its last page a shorter file reads as zeros without any signal.
    // `descriptor` of map() must still be open. Thread-safe.
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
    struct Readers {
        std::mutex mutex;
        std::vector<std::uint64_t> offsets;  // where each began
        std::uint64_t fetched = 0;           // what lies before was fetched, or passed over
        std::uint64_t released = 0;          // what lies before was given back
        bool are_several = false;            // or were
    };

    struct Piece {
        std::uint64_t begin = 0, end = 0;
    };
    [[nodiscard]] std::optional<Piece> next_to_fetch(std::uint64_t offset,
                                                     std::uint64_t size) const;
    void fetch(const Piece& piece) const;

    MappedFile(int descriptor, std::byte* data, std::size_t size, std::size_t skipped,
               Watched* watched)
        : descriptor_(descriptor),
          data_(data),
          size_(size),
          skipped_(skipped),
          watched_(watched),
          readers_(std::make_unique<Readers>()) {}

    int descriptor_ = -1;
    std::byte* data_ = nullptr;  // of whole pages
    std::size_t size_ = 0;
    std::size_t skipped_ = 0;  // of the first page
    Watched* watched_ = nullptr;
    std::unique_ptr<Readers> readers_;
};

}  // namespace fgread
