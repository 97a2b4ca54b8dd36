#include "tools/heap_pages.h"

#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>

namespace fgread::tools {
namespace {

constexpr int piece = 256 << 20;
// Symbol tables and unwind sections of large binaries come and go in blocks of some MiB; glibc
// takes no larger value.
constexpr int largest_on_heap = 32 << 20;

char* end_of_heap() { return static_cast<char*>(::sbrk(0)); }

}  // namespace

void put_heap_on_huge_pages() {
    ::mallopt(M_MMAP_THRESHOLD, largest_on_heap);
    ::mallopt(M_TRIM_THRESHOLD, piece);
    ::mallopt(M_TOP_PAD, piece);
    char* const begin = end_of_heap();
    // More than the heap has left, so that it grows; volatile, or the compiler leaves both out.
    void* volatile grown = std::malloc(largest_on_heap / 2);
    std::free(grown);
    ::mallopt(M_TOP_PAD, largest_on_heap);
    const auto size = end_of_heap() - begin;
    // What it answers is of no consequence: without huge pages the heap works as well.
    if (size > 0) ::madvise(begin, static_cast<std::size_t>(size), MADV_HUGEPAGE);
}

}  // namespace fgread::tools
