// PageAhead: has the system map the pages of a MappedFile before a reader needs them, on two
// threads: one of its own, and the reader's whenever that has caught up. Most of the first pass
// over a recording is mapping pages: of 1 GB 30 ms of 45.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include "perfdata/mapped_file.h"

namespace fgread {

class PageAhead {
public:
    // A system call each, and what one page of a page table maps: two threads that map pages into
    // the same one wait for each other.
    static constexpr std::uint64_t piece_bytes = std::uint64_t{2} << 20;

    // Of [begin, end) of the mapping's bytes. `mapped` must outlive this object. Stays at most six
    // pieces ahead of the reader.
    PageAhead(const MappedFile& mapped, std::uint64_t begin, std::uint64_t end);
    ~PageAhead();
    PageAhead(const PageAhead&) = delete;
    PageAhead& operator=(const PageAhead&) = delete;

    // The reader is here now, further than before. Maps pages itself as long as those of the piece
    // it came to are not there. For one thread; waits for nobody.
    void reached(std::uint64_t offset);
    // Where the piece that holds `offset` ends.
    [[nodiscard]] std::uint64_t piece_end(std::uint64_t offset) const;

private:
    [[nodiscard]] std::size_t piece_of(std::uint64_t offset) const {
        return static_cast<std::size_t>((offset - begin_) / piece_bytes);
    }
    bool map_next();
    void work();

    const MappedFile& mapped_;
    const std::uint64_t begin_, end_;
    std::vector<std::atomic<bool>> is_mapped_;  // by piece
    std::atomic<std::size_t> next_ = 0;         // piece that nobody has begun
    std::atomic<std::size_t> reader_ = 0;       // its piece
    std::thread thread_;
};

}  // namespace fgread
