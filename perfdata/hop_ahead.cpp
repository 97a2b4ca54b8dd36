#include "perfdata/hop_ahead.h"

#include <algorithm>

namespace fgread {
namespace {

constexpr unsigned max_threads = 3;
constexpr std::size_t max_ahead = 4 * HopAhead::pieces_at_once;
// The headers of a piece of the smallest records would take as much memory as the piece.
constexpr std::size_t max_headers = std::size_t{1} << 13;
// The largest record and one more.
constexpr std::uint64_t max_search = std::uint64_t{128} << 10;
// In a dump of a stack some words look like a header; hardly one points to another three times.
constexpr unsigned headers_to_believe = 8;
constexpr std::uint64_t alignment = 8;
constexpr std::uint64_t searched_ahead = 1024;

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

// Does some pieces, unlocked. False if all are begun, or too far ahead of the reader.
bool HopAhead::hop_next(std::unique_lock<std::mutex>& lock) {
    // What the reader has left behind it needs no more.
    const std::size_t chosen = std::max(next_, reader_);
    if (next_ == pieces_.size() || chosen >= std::min(pieces_.size(), reader_ + max_ahead)) {
        return false;
    }
    next_ = std::min(chosen + pieces_at_once, pieces_.size());
    const std::span<Piece> pieces(&pieces_[chosen], next_ - chosen);
    for (Piece& piece : pieces) {
        piece.state = State::begun;
        if (spare_.empty()) continue;
        piece.headers = std::move(spare_.back());
        piece.headers.clear();
        spare_.pop_back();
    }
    lock.unlock();
    hop(pieces, chosen);
    // Of a small file the second pass needs it soon.
    if (pieces_.size() > pieces_at_once) {
        mapped_.release(begin_of(chosen), end_of(chosen + pieces.size() - 1) - begin_of(chosen));
    }
    lock.lock();
    for (Piece& piece : pieces) piece.state = State::done;
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
        // Without, the search takes as long as following the headers does.
        if (end_ - first > searched_ahead) __builtin_prefetch(&bytes_[first + searched_ahead]);
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

// Takes the strand's next record, if it is whole and begins before its piece ends.
bool HopAhead::hop_once(Strand& strand) const {
    if (strand.position >= strand.until || strand.piece->headers.size() == max_headers)
        return false;
    const std::uint64_t rest = end_ - strand.position;
    if (rest < format::record_header_size) return false;
    const std::byte* at = bytes_.data() + static_cast<std::size_t>(strand.position);
    const RecordHeader header = load_record_header(at, endian_);
    if (header.size < format::record_header_size || header.size > rest) return false;
    if (has_outside_bytes(header.type)) return false;
    __builtin_prefetch(at + header.size);
    strand.piece->headers.push_back(header);
    strand.position += header.size;
    return true;
}

// `pieces`, the first of which has the number `number`, in turn.
void HopAhead::hop(std::span<Piece> pieces, std::size_t number) const {
    std::vector<Strand> strands;
    for (Piece& piece : pieces) {
        piece.first = number == 0 ? begin_ : guess(number);
        strands.push_back({&piece, piece.first, end_of(number)});
        ++number;
    }
    while (!strands.empty()) {
        std::erase_if(strands, [&](Strand& strand) { return !hop_once(strand); });
    }
}

}  // namespace fgread
