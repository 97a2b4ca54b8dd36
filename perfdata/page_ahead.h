// PageAhead: makes the system map, on a thread of its own, the pages of a MappedFile that a reader
// comes to next. Half of the first pass over a recording is page faults: of 1 GB 25 ms of 50.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>

#include "perfdata/mapped_file.h"

namespace fgread {

class PageAhead {
public:
    // Of [begin, end) of the mapping's bytes. `mapped` must outlive this object. Stays at most 12
    // MiB ahead of the reader, at once.
    PageAhead(const MappedFile& mapped, std::uint64_t begin, std::uint64_t end);
    ~PageAhead();
    PageAhead(const PageAhead&) = delete;
    PageAhead& operator=(const PageAhead&) = delete;

    // The reader is here now, further than before. For one thread; never waits.
    void reached(std::uint64_t offset);

private:
    void work(std::uint64_t at, std::uint64_t end);

    const MappedFile& mapped_;
    std::atomic<std::uint64_t> reached_;
    std::thread thread_;
};

}  // namespace fgread
