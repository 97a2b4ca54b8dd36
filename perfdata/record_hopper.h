// RecordHopper: walks all records of a file while reading as little of it as possible.
//
// A DWARF recording is 8 KB of stack after every 200 bytes that matter to the first pass. The
// hopper reads a small window at each record's header and jumps over the rest; where records are
// small (frame-pointer recordings, bursts of side-band) the window grows and many records are
// served from one read:
//
//      8 KB samples     [w]......... [w]......... [w].........      one read of 256 B each
//      small records    [w w w w w w w w w w w w w w w w ][w w      one read of up to 256 KB
//
// Of a mapped file the window is a piece of the mapping, whose memory it gives back when it goes
// on: 0.01 s per GB instead of 0.05.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "perfdata/hop_ahead.h"
#include "perfdata/input_file.h"
#include "perfdata/record.h"

namespace fgread {

class RecordHopper {
public:
    // Records of [begin, end) of the file, end <= file.size(). `file` must outlive the hopper. The
    // first one has the number `sequence`.
    RecordHopper(const InputFile& file, std::uint64_t begin, std::uint64_t end, Endian endian,
                 std::uint64_t sequence = 0);
    ~RecordHopper();
    RecordHopper(const RecordHopper&) = delete;
    RecordHopper& operator=(const RecordHopper&) = delete;

    // Takes from `ahead` what that has found already; it must outlive the hopper. Of a mapped file
    // only.
    void use(HopAhead& ahead) { ahead_ = &ahead; }

    // A record by its header alone.
    struct Header {
        std::uint32_t type = 0;
        std::uint16_t misc = 0;
        std::uint16_t size = 0;
        std::uint64_t offset = 0;    // in the file
        std::uint64_t outside = 0;   // bytes that follow it and belong to it (record_framing.h)
        std::uint64_t sequence = 0;  // from 0
    };
    // The next record; nothing at the end or where reading has to stop: see stop().
    std::optional<Header> next();

    enum class Stop : std::uint8_t {
        at_end,
        bad_size,  // below 8, or past the end
        cut,       // the last record is not whole: its beginning fits, its end does not
        read_error,
    };
    [[nodiscard]] Stop stop() const { return stop_; }
    [[nodiscard]] std::uint64_t sequence() const { return sequence_; }  // of the next record
    [[nodiscard]] std::uint64_t stop_offset() const { return position_; }
    [[nodiscard]] const std::string& read_error() const { return read_error_; }

    // The record next() gave last, with the first `bytes` of its body (all of it by default).
    // Valid until the next call of anything here. Nothing if the file could not be read.
    std::optional<RecordView> view(std::size_t bytes = SIZE_MAX);

private:
    bool require(std::uint64_t offset, std::size_t size);
    void read_window(std::uint64_t offset, std::size_t size);
    void show_window(const MappedFile& mapped, std::uint64_t offset);
    std::optional<RecordHeader> next_header();
    std::optional<RecordHeader> stop_with(Stop reason);

    const InputFile& file_;
    HopAhead* ahead_ = nullptr;
    HopAhead::Run found_;  // of `ahead`, what was not taken yet
    std::uint64_t end_;
    Endian endian_;

    std::vector<std::byte> read_;  // what the window shows, unless the file is mapped
    ByteView window_;
    std::uint64_t window_begin_ = 0;  // file offset
    std::size_t read_size_;
    std::uint64_t served_ = 0;  // records since the last read

    std::uint64_t position_;  // of the next header
    std::uint64_t sequence_ = 0;
    Header current_;
    Stop stop_ = Stop::at_end;
    std::string read_error_;
};

}  // namespace fgread
