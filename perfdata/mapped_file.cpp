#include "perfdata/mapped_file.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <csignal>

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <utility>

namespace fgread {
namespace {

// Mappings at a time; what is more is read in other ways. A recording is one, and each of the
// larger sections of a binary, and its code.
constexpr std::size_t max_mapped = 1024;

std::array<MappedFile::Watched, max_mapped> watched_mappings;
// Held by whoever changes their bounds: these are no others' memory meanwhile. The handler, which
// only reads them, needs none.
std::mutex bounds_mutex;
struct sigaction earlier_handler;
bool is_catching = false;
std::atomic<bool> any_lost{false};
std::uintptr_t page_size = 4096;
// Whoever reads one page gets those around it mapped, too (Linux 6.18: up to all of a large folio),
// also ones before it that were given back.
constexpr std::uint64_t mapped_at_once = std::uint64_t{2} << 20;
// Every time all processors that run this process are interrupted: half a MiB at once cost a
// twentieth of a 1 GB job on two of them, 8 MiB a fiftieth.
constexpr std::uint64_t released_at_once = std::uint64_t{16} << 20;
// With one reader nobody is interrupted.
constexpr std::uint64_t released_by_one = std::uint64_t{4} << 20;

// What one page of a page table maps: two threads that map into the same one wait for each other,
// a fortieth of the time of two that walk a 1 GB recording.
constexpr std::uint64_t fetched_at_once = std::uint64_t{2} << 20;
// Whoever reads a byte gets the pages around it mapped: at least so much, aligned
// (fault_around_bytes of Linux), of what is in memory.
constexpr std::uint64_t mapped_by_fault = std::uint64_t{64} << 10;

MappedFile::Watched* mapping_at(std::uintptr_t address) {
    for (MappedFile::Watched& watched : watched_mappings) {
        if (address < watched.end.load() && address >= watched.begin.load()) return &watched;
    }
    return nullptr;
}

// Only what may be called in a handler: mmap is a bare system call.
void put_zeros_in_place(int signal, siginfo_t* info, void*) {
    const auto address = std::bit_cast<std::uintptr_t>(info->si_addr);
    MappedFile::Watched* watched = mapping_at(address);
    if (watched) {
        watched->lost.store(true);
        any_lost.store(true);
        void* page = std::bit_cast<void*>(address & ~(page_size - 1));
        const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
        if (::mmap(page, page_size, PROT_READ, flags, -1, 0) != MAP_FAILED) return;
    }
    // Not ours: the access is tried again, and meets the handler that was there before.
    ::sigaction(signal, &earlier_handler, nullptr);
}

MappedFile::Watched* take_watched() {
    for (MappedFile::Watched& watched : watched_mappings) {
        if (!watched.taken.load() && !watched.taken.exchange(true)) return &watched;
    }
    return nullptr;
}

void give_back(MappedFile::Watched& watched) {
    const std::lock_guard lock(bounds_mutex);
    watched.end.store(0);
    watched.begin.store(0);
    watched.lost.store(false);
    watched.taken.store(false);
}

}  // namespace

void MappedFile::catch_lost_pages() {
    if (is_catching) return;
    page_size = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    struct sigaction action = {};
    action.sa_sigaction = put_zeros_in_place;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    ::sigemptyset(&action.sa_mask);
    is_catching = ::sigaction(SIGBUS, &action, &earlier_handler) == 0;
}

bool MappedFile::was_any_lost() { return any_lost.load(); }

std::optional<MappedFile> MappedFile::map(int descriptor, std::uint64_t offset,
                                          std::uint64_t size) {
    constexpr std::uint64_t limit = std::numeric_limits<std::ptrdiff_t>::max() / 2;
    if (!is_catching || size == 0 || size > limit || offset > limit) return std::nullopt;
    Watched* watched = take_watched();
    if (!watched) return std::nullopt;
    const auto skipped = static_cast<std::size_t>(offset & (page_size - 1));
    const std::size_t length = static_cast<std::size_t>(size) + skipped;
    void* data = ::mmap(nullptr, length, PROT_READ, MAP_SHARED, descriptor,
                        static_cast<off_t>(offset - skipped));
    if (data == MAP_FAILED) {
        give_back(*watched);
        return std::nullopt;
    }
    const std::lock_guard lock(bounds_mutex);
    watched->begin.store(std::bit_cast<std::uintptr_t>(data));
    watched->end.store(std::bit_cast<std::uintptr_t>(data) + length);
    return MappedFile(descriptor, static_cast<std::byte*>(data), length, skipped, watched);
}

void MappedFile::release_all() {
    const std::lock_guard lock(bounds_mutex);
    for (const Watched& watched : watched_mappings) {
        const std::uintptr_t begin = watched.begin.load();
        const std::uintptr_t end = watched.end.load();
        if (begin < end) ::madvise(std::bit_cast<void*>(begin), end - begin, MADV_DONTNEED);
    }
}

void MappedFile::release(std::uint64_t offset, std::uint64_t size) const {
    const std::uint64_t first = offset + skipped_;
    const std::uint64_t begin = std::min<std::uint64_t>(first, size_) & ~(mapped_at_once - 1);
    const std::uint64_t end = std::min<std::uint64_t>(first + size, size_);
    if (begin >= end) return;
    ::madvise(data_ + begin, static_cast<std::size_t>(end - begin), MADV_DONTNEED);
}

void MappedFile::begin_reading(std::uint64_t offset, std::uint64_t size) const {
    {
        const std::lock_guard lock(readers_->mutex);
        readers_->offsets.push_back(offset);
        if (readers_->offsets.size() > 1) readers_->are_several = true;
    }
    while (const auto piece = next_to_fetch(offset, size)) fetch(*piece);
}

// Asked to map all of the pages (MADV_POPULATE_READ) the system looks at every one, which takes
// twice as long.
void MappedFile::fetch(const Piece& piece) const {
    const std::uint64_t end = std::min<std::uint64_t>(piece.end, bytes().size());
    if (!is_whole(end)) return;
    for (std::uint64_t at = piece.begin; at < end; at += mapped_by_fault - at % mapped_by_fault) {
        [[maybe_unused]] const volatile std::byte byte = bytes()[at];
    }
}

// A piece up to some MiB behind these bytes that nobody has fetched yet.
std::optional<MappedFile::Piece> MappedFile::next_to_fetch(std::uint64_t offset,
                                                           std::uint64_t size) const {
    const std::lock_guard lock(readers_->mutex);
    std::uint64_t& fetched = readers_->fetched;
    if (fetched >= std::min(offset + size + fetched_at_once, std::uint64_t{bytes().size()})) {
        return std::nullopt;
    }
    const std::uint64_t begin = std::max(fetched, offset);
    fetched = begin - begin % fetched_at_once + fetched_at_once;
    return Piece{begin, fetched};
}

// What another one still reads would come back page by page, and stay: of 1.4 GB read by two
// threads, 76 MB.
void MappedFile::end_reading(std::uint64_t offset) const {
    std::uint64_t from = 0, until = offset;
    {
        const std::lock_guard lock(readers_->mutex);
        std::vector<std::uint64_t>& offsets = readers_->offsets;
        const auto mine = std::find(offsets.begin(), offsets.end(), offset);
        if (mine != offsets.end()) offsets.erase(mine);
        for (const std::uint64_t other : offsets) until = std::min(until, other);
        from = readers_->released;
        const std::uint64_t enough = readers_->are_several ? released_at_once : released_by_one;
        if (until < from || until - from < enough) return;
        readers_->released = until;
    }
    release(from, until - from);
}

void MappedFile::end_all_reading() const {
    std::uint64_t from = 0;
    {
        const std::lock_guard lock(readers_->mutex);
        from = std::exchange(readers_->released, bytes().size());
    }
    release(from, bytes().size() - from);
}

bool MappedFile::is_whole(std::uint64_t end) const {
    struct stat status = {};
    return !watched_->lost.load() && ::fstat(descriptor_, &status) == 0 &&
           static_cast<std::uint64_t>(status.st_size) >= end;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : descriptor_(other.descriptor_),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      skipped_(std::exchange(other.skipped_, 0)),
      watched_(std::exchange(other.watched_, nullptr)),
      readers_(std::move(other.readers_)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(skipped_, other.skipped_);
    std::swap(watched_, other.watched_);
    std::swap(readers_, other.readers_);
    return *this;
}

MappedFile::~MappedFile() {
    if (data_ == nullptr) return;
    give_back(*watched_);
    ::munmap(data_, size_);
}

}  // namespace fgread
