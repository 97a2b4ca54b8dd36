#include "perfdata/hop_ahead.h"

#include <algorithm>

namespace fgread {
namespace {

constexpr unsigned max_threads = 3;
constexpr std::size_t max_ahead = 4;  // pieces
// The headers of a piece of the smallest records would take as much memory as the piece.
constexpr std::size_t max_headers = std::size_t{1} << 16;
// The largest record and one more.
constexpr std::uint64_t max_search = std::uint64_t{128} << 10;
// In a dump of a stack some words look like a header; hardly one points to another three times.
constexpr unsigned headers_to_believe = 8;
constexpr std::uint64_t alignment = 8;
constexpr unsigned records_ahead = 16;

}  // namespace

HopAhead::HopAhead(const MappedFile& mapped, std::uint64_t begin, std::uint64_t end, Endian endian,
                   unsigned threads)
    : mapped_(mapped),
      bytes_(mapped.bytes()),
      begin_(begin),
      end_(end),
      endian_(endian),
      pieces_(static_cast<std::size_t>((end - begin + piece_bytes - 1) / piece_bytes)) {
    for (unsigned i = 1; i < std::min(threads, max_threads); ++i) {
        threads_.emplace_back([this] { work(); });
    }
}

HopAhead::~HopAhead() {
    {
        const std::lock_guard lock(mutex_);
        next_ = pieces_.size();
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
}

std::uint64_t HopAhead::end_of(std::size_t piece) const {
    return std::min(end_, begin_of(piece + 1));
}

HopAhead::Run HopAhead::run_at(std::uint64_t position) {
    std::unique_lock lock(mutex_);
    const std::size_t current = piece_of(position);
    for (std::size_t left = reader_; left < current; ++left) {
        // What a trace jumped over may still be worked on.
        if (pieces_[left].state == State::done) {
            spare_.push_back(std::move(pieces_[left].headers));
        }
    }
    reader_ = current;
    changed_.notify_all();
    const Piece& piece = pieces_[current];
    while (piece.state != State::done) {
        if (!hop_next(lock)) changed_.wait(lock);
    }
    Run run;
    run.piece_end = end_of(current);
    if (piece.first == position) run.headers = piece.headers;
    return run;
}

// Does one piece, unlocked. False if all are begun, or too far ahead of the reader.
bool HopAhead::hop_next(std::unique_lock<std::mutex>& lock) {
    // What the reader has left behind it needs no more.
    const std::size_t chosen = std::max(next_, reader_);
    if (next_ == pieces_.size() || chosen >= std::min(pieces_.size(), reader_ + max_ahead)) {
        return false;
    }
    next_ = chosen + 1;
    Piece& piece = pieces_[chosen];
    piece.state = State::begun;
    if (!spare_.empty()) {
        piece.headers = std::move(spare_.back());
        piece.headers.clear();
        spare_.pop_back();
    }
    lock.unlock();
    piece.first = chosen == 0 ? begin_ : guess(chosen);
    hop(piece, end_of(chosen));
    mapped_.release(begin_of(chosen), end_of(chosen) - begin_of(chosen));
    lock.lock();
    piece.state = State::done;
    changed_.notify_all();
    return true;
}

void HopAhead::work() {
    std::unique_lock lock(mutex_);
    while (next_ < pieces_.size()) {
        if (!hop_next(lock)) changed_.wait(lock);
    }
}

// A type that is known, a size that fits.
bool HopAhead::is_record(std::uint64_t position) const {
    if (end_ - position < format::record_header_size) return false;
    const RecordHeader header =
        load_record_header(bytes_.data() + static_cast<std::size_t>(position), endian_);
    return header.type != 0 && header.type < format::known_type_limit &&
           header.size >= format::record_header_size && header.size % alignment == 0 &&
           header.size <= end_ - position;
}

// Where a record probably begins; the piece's end if nowhere.
std::uint64_t HopAhead::guess(std::size_t piece) const {
    const std::uint64_t end = end_of(piece);
    const std::uint64_t last = std::min(end, begin_of(piece) + max_search);
    for (std::uint64_t first = begin_of(piece); first < last; first += alignment) {
        std::uint64_t position = first;
        unsigned followed = 0;
        while (followed < headers_to_believe && position < end && is_record(position)) {
            position +=
                load_record_header(&bytes_[static_cast<std::size_t>(position)], endian_).size;
            ++followed;
        }
        if (followed == headers_to_believe || (followed != 0 && position >= end)) return first;
    }
    return end;
}

// Whole records from the first on that begin before `until`.
void HopAhead::hop(Piece& piece, std::uint64_t until) const {
    std::uint64_t position = piece.first;
    while (position < until && piece.headers.size() < max_headers) {
        const std::uint64_t rest = end_ - position;
        if (rest < format::record_header_size) return;
        const std::byte* at = bytes_.data() + static_cast<std::size_t>(position);
        const RecordHeader header = load_record_header(at, endian_);
        if (header.size < format::record_header_size || header.size > rest) return;
        if (has_outside_bytes(header.type)) return;
        // Samples of one recording mostly have one size.
        const std::uint64_t later = std::uint64_t{header.size} * records_ahead;
        if (later < rest) __builtin_prefetch(at + static_cast<std::size_t>(later));
        piece.headers.push_back(header);
        position += header.size;
    }
}

}  // namespace fgread
