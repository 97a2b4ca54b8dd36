#include "perfdata/record_blocks.h"

#include <algorithm>
#include <cstring>

#include "perfdata/format.h"
#include "perfdata/record_framing.h"

namespace fgread {
namespace {

using namespace format;

constexpr std::size_t max_record = 65535;  // u16 size
// A block that is not full yet still takes a record, or the rest of one and some more.
constexpr std::size_t block_capacity = PieceFill::limit + 2 * (max_record + 1);
constexpr std::size_t input_size = std::size_t{256} << 10;
static_assert(input_size > max_record);
// One compressed record holds one ring buffer at most; perf's largest (-m) are some hundred MB.
constexpr std::uint64_t max_expansion = std::uint64_t{1} << 30;

bool is_compressed(std::uint32_t type) {
    return type == record_compressed || type == record_compressed2;
}

// Eight characters in the place of a record's header. Types of records are below 2^16.
bool is_text(ByteView header) {
    return std::all_of(header.begin(), header.end(), [](std::byte byte) {
        const auto c = std::to_integer<unsigned>(byte);
        return (c >= 0x20 && c < 0x7f) || c == '\n' || c == '\r' || c == '\t' || c == 0x1b;
    });
}

}  // namespace

RecordBlocks::RecordBlocks(std::unique_ptr<ByteSource> source, std::uint64_t offset,
                           std::uint64_t sequence, Endian endian, bool from_pipe)
    : source_(std::move(source)),
      endian_(endian),
      from_pipe_(from_pipe),
      input_(std::make_unique_for_overwrite<std::byte[]>(input_size)),
      position_(offset),
      sequence_(sequence) {}

bool RecordBlocks::stop_with(Stop reason, std::string detail) {
    stop_ = reason;
    stop_detail_ = std::move(detail);
    ended_ = true;
    return false;
}

// Makes `wanted` bytes available; false if the stream ends before (or fails: then ended_).
bool RecordBlocks::fill(std::size_t wanted) {
    if (available() >= wanted) return true;
    std::memmove(input_.get(), input_.get() + input_begin_, available());
    input_end_ -= input_begin_;
    input_begin_ = 0;
    while (input_end_ < wanted) {
        const auto got = source_->read({input_.get() + input_end_, input_size - input_end_});
        if (!got) return stop_with(Stop::read_error, got.error().message);
        if (*got == 0) return false;
        input_end_ += *got;
        input_bytes_ += *got;
    }
    return true;
}

std::optional<RecordBlock> RecordBlocks::next() {
    if (ended_) return std::nullopt;
    RecordBlock block;
    block.memory = std::make_unique_for_overwrite<std::byte[]>(block_capacity);
    block.offset = position_;
    block.first_sequence = sequence_;
    fill_ = {};
    bool full = false;
    while (!ended_ && !full && !fill_.is_full()) {
        if (!(unpacking_ ? unpack_some(block) : take_record(block, full))) break;
    }
    if (block.size == 0) return std::nullopt;
    return block;
}

bool RecordBlocks::take_record(RecordBlock& block, bool& block_is_full) {
    if (!fill(record_header_size)) {
        if (ended_) return false;
        const bool whole = available() == 0 && partial_.empty();
        return stop_with(whole ? Stop::at_end : Stop::cut);
    }
    const std::byte* begin = input_.get() + input_begin_;
    const RecordHeader header = load_record_header(begin, endian_);
    if (from_pipe_ && is_text({begin, record_header_size})) return stop_with(Stop::garbage);
    if (header.size < record_header_size) return stop_with(Stop::bad_size);
    if (!fill(header.size)) return ended_ ? false : stop_with(Stop::cut);
    taken_bytes_ += header.size;
    if (is_compressed(header.type)) {
        begin_unpacking(header.type, header.size);
        return true;
    }
    begin = input_.get() + input_begin_;
    std::memcpy(block.memory.get() + block.size, begin, header.size);
    block.size += header.size;
    fill_.add(header.type, header.size);
    position_ += header.size;
    ++sequence_;
    input_begin_ += header.size;
    if (!has_outside_bytes(header.type)) return true;
    // Bytes outside a record may be gigabytes of trace: they end the block.
    block_is_full = true;
    const ByteView body = block.bytes().subspan(block.size - header.size + record_header_size,
                                                header.size - record_header_size);
    skip_outside(outside_bytes(header.type, body, endian_));
    return true;
}

// What is missing of a trace is missed by nobody here, but no record follows it.
void RecordBlocks::skip_outside(std::uint64_t count) {
    const std::uint64_t here = std::min<std::uint64_t>(count, available());
    input_begin_ += static_cast<std::size_t>(here);
    position_ += here;
    if (here == count) return;
    const auto skipped = skip_bytes(*source_, count - here);
    if (!skipped) {
        stop_with(Stop::read_error, skipped.error().message);
    } else {
        position_ += *skipped;
        input_bytes_ += *skipped;
        if (*skipped != count - here) stop_with(Stop::cut);
    }
}

void RecordBlocks::begin_unpacking(std::uint32_t type, std::size_t size) {
    const ByteView record{input_.get() + input_begin_, size};
    ByteView payload = record.subspan(record_header_size);
    if (type == record_compressed2) {
        ByteReader in(payload, endian_);
        const std::uint64_t length = in.u64();
        payload = in.bytes(std::min<std::uint64_t>(length, in.remaining()));
    }
    if (!zstd_) zstd_.emplace();
    zstd_->feed(payload);
    unpacking_ = true;
    packed_size_ = size;
    expansion_ = 0;
    ++compressed_records_;
}

bool RecordBlocks::unpack_some(RecordBlock& block) {
    // A record that began in what was unpacked before is continued here.
    std::byte* begin = block.memory.get() + block.size;
    std::copy(partial_.begin(), partial_.end(), begin);
    const std::size_t used = block.size + partial_.size();
    // Little more than goes into the block, for what is left is copied again.
    const std::size_t wanted =
        std::min<std::uint64_t>(block_capacity - used, fill_.room() + max_record);
    const auto count = zstd_->read({block.memory.get() + used, wanted});
    if (!count) return stop_with(Stop::damaged_compression, zstd_->error());
    expansion_ += *count;
    if (expansion_ > max_expansion) {
        return stop_with(Stop::damaged_compression, "one record holds more than 1 GiB");
    }
    if (!frame_unpacked(block, used + *count)) return false;
    if (*count != 0 || fill_.is_full()) return true;
    unpacking_ = false;
    input_begin_ += packed_size_;
    return true;
}

// Takes the whole records of [block.size, end) into the block until it is full, and the rest into
// partial_.
bool RecordBlocks::frame_unpacked(RecordBlock& block, std::size_t end) {
    bool good = true;
    while (good && !fill_.is_full() && end - block.size >= record_header_size) {
        const RecordHeader header = load_record_header(block.memory.get() + block.size, endian_);
        // perf compresses nothing that brings bytes outside its records.
        if (header.size < record_header_size || has_outside_bytes(header.type)) {
            good = stop_with(Stop::bad_size);
            break;
        }
        if (header.size > end - block.size) break;
        block.size += header.size;
        fill_.add(header.type, header.size);
        position_ += header.size;
        ++sequence_;
    }
    partial_.assign(block.memory.get() + block.size, block.memory.get() + end);
    return good;
}

}  // namespace fgread
