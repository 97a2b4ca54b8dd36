// RecordBlocks: cuts a stream of records, compressed or not, into pieces of whole records.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "perfdata/byte_source.h"
#include "perfdata/piece_fill.h"
#include "perfdata/zstd_stream.h"

namespace fgread {

// Whole records that follow each other; those of a compressed recording are unpacked.
struct RecordBlock {
    std::unique_ptr<std::byte[]> memory;
    std::size_t size = 0;  // bytes in use
    // Of the first record: in the stream, or where it would stand if nothing were compressed.
    std::uint64_t offset = 0;
    std::uint64_t first_sequence = 0;
    [[nodiscard]] ByteView bytes() const { return {memory.get(), size}; }
};

class RecordBlocks {
public:
    enum class Stop : std::uint8_t {
        at_end,
        cut,       // the last record is not whole
        bad_size,  // a record of impossible size
        garbage,   // text in a record's place (pipes only)
        damaged_compression,
        read_error,
    };

    // `offset` is that of the first record, `sequence` its number. Where `from_pipe`, text between
    // the records is looked for: what a recorder says with its stderr joined to its stdout.
    RecordBlocks(std::unique_ptr<ByteSource> source, std::uint64_t offset, std::uint64_t sequence,
                 Endian endian, bool from_pipe);

    // Records up to where PieceFill is full, or a little more if they are compressed: cut at places
    // that depend on the stream's contents alone. Nothing at the end, or where reading has to stop:
    // see stop().
    std::optional<RecordBlock> next();

    [[nodiscard]] Stop stop() const { return stop_; }
    [[nodiscard]] std::uint64_t stop_offset() const { return position_; }
    [[nodiscard]] const std::string& stop_detail() const { return stop_detail_; }
    [[nodiscard]] std::uint64_t next_sequence() const { return sequence_; }
    // Read from the source so far, what is not cut into blocks yet included.
    [[nodiscard]] std::uint64_t input_bytes() const { return input_bytes_; }
    // Of these, the records taken so far, compressed ones as they stand in the stream: the same
    // however the bytes come.
    [[nodiscard]] std::uint64_t taken_bytes() const { return taken_bytes_; }
    // Of these, those of whole records, and of what belongs to them outside; the others.
    [[nodiscard]] std::uint64_t consumed_bytes() const { return input_bytes_ - available(); }
    [[nodiscard]] std::uint64_t left_bytes() const { return available(); }
    [[nodiscard]] Endian endian() const { return endian_; }
    // Compressed records so far; they are not in the blocks.
    [[nodiscard]] std::uint64_t compressed_records() const { return compressed_records_; }
    [[nodiscard]] ByteSource& source() { return *source_; }

private:
    [[nodiscard]] std::size_t available() const { return input_end_ - input_begin_; }
    bool fill(std::size_t wanted);
    bool take_record(RecordBlock& block, bool& block_is_full);
    void begin_unpacking(std::uint32_t type, std::size_t size);
    bool unpack_some(RecordBlock& block);
    bool frame_unpacked(RecordBlock& block, std::size_t end);
    void skip_outside(std::uint64_t count);
    bool stop_with(Stop reason, std::string detail = {});

    std::unique_ptr<ByteSource> source_;
    Endian endian_;
    bool from_pipe_;
    std::unique_ptr<std::byte[]> input_;
    std::size_t input_begin_ = 0;
    std::size_t input_end_ = 0;

    bool unpacking_ = false;       // a compressed record at input_begin_ is not used up yet
    std::size_t packed_size_ = 0;  // of that record
    std::uint64_t expansion_ = 0;  // bytes it gave so far
    std::optional<ZstdStream> zstd_;
    std::vector<std::byte> partial_;  // the beginning of an unpacked record

    PieceFill fill_;  // of the block being made
    std::uint64_t position_;
    std::uint64_t sequence_;
    std::uint64_t compressed_records_ = 0;
    std::uint64_t input_bytes_ = 0;
    std::uint64_t taken_bytes_ = 0;
    Stop stop_ = Stop::at_end;
    std::string stop_detail_;
    bool ended_ = false;
};

}  // namespace fgread
