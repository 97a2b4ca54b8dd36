// HopAhead: hops over the records of a mapped file in several places at once, by one thread or
// more; who reads them in order finds them ready.
//
// Each header says where the next one is, so that whoever follows them waits for the memory of one
// after the other. Those of eight pieces, taken in turn, are waited for together: 26.7 -> 22.7 ms
// for 1.0 GB on one core, much of which the mapping of its pages takes.
//
// Nobody knows where in the middle of a file a record begins. So it is guessed: at the first place
// from which on a number of plausible headers follow each other.
//
//      | piece        | piece        | piece        |
//      [r][r][r][r][r][r][r]..                            the reader's records, one after the other
//                        ^ a guess: right, if a record of the reader's ends here
//
// The reader takes what follows a guess only if its own records lead there, so that a wrong one
// costs time, nothing else.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "perfdata/mapped_file.h"
#include "perfdata/record_framing.h"

namespace fgread {

class HopAhead {
public:
    static constexpr std::uint64_t piece_bytes = std::uint64_t{2} << 20;
    // By one thread. Some milliseconds of a disk, 0.2 ms where the pages are in memory.
    static constexpr std::size_t pieces_at_once = 8;

    // Of the records in [begin, end) of the mapping's bytes, begin < end. `mapped` must outlive
    // this object. `threads`: the reader's is one of them; more than three are not used, as each
    // has its pieces in memory.
    HopAhead(const MappedFile& mapped, std::uint64_t begin, std::uint64_t end, Endian endian,
             unsigned threads);
    ~HopAhead();
    HopAhead(const HopAhead&) = delete;
    HopAhead& operator=(const HopAhead&) = delete;

    // Whole records, one after the other.
    struct Run {
        std::span<const RecordHeader> headers;  // valid until the next call
        std::uint64_t piece_end = 0;            // whoever passes it may ask again
    };
    // The records of the piece that holds `position`, from there on, if one that was found begins
    // there. Those with bytes outside end a run, as do broken ones. For one thread, which only goes
    // forward; it takes part in the work until the piece is done.
    Run run_at(std::uint64_t position);

private:
    enum class State : std::uint8_t { untouched, begun, done };
    struct Piece {
        State state = State::untouched;
        std::uint64_t first = 0;  // where its first record begins
        std::vector<RecordHeader> headers;
    };
    // Where in a piece one thread is.
    struct Strand {
        Piece* piece = nullptr;
        std::uint64_t position = 0;
        std::uint64_t until = 0;
    };

    [[nodiscard]] std::size_t piece_of(std::uint64_t position) const {
        return static_cast<std::size_t>((position - begin_) / piece_bytes);
    }
    [[nodiscard]] std::uint64_t begin_of(std::size_t piece) const {
        return begin_ + piece * piece_bytes;
    }
    [[nodiscard]] std::uint64_t end_of(std::size_t piece) const;
    [[nodiscard]] bool is_record(std::uint64_t position) const;
    [[nodiscard]] std::uint64_t guess(std::size_t piece) const;
    [[nodiscard]] bool hop_once(Strand& strand) const;
    void hop(std::span<Piece> pieces, std::size_t number) const;
    bool hop_next(std::unique_lock<std::mutex>& lock);
    void work();

    const MappedFile& mapped_;
    const ByteView bytes_;
    const std::uint64_t begin_, end_;
    const Endian endian_;
    std::mutex mutex_;  // of all below
    std::condition_variable changed_;
    std::vector<Piece> pieces_;
    std::vector<std::vector<RecordHeader>> spare_;  // memory to be used again
    std::size_t next_ = 0;                          // piece that nobody has begun
    std::size_t reader_ = 0;                        // its piece
    std::vector<std::thread> threads_;
};

}  // namespace fgread
