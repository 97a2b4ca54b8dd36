#include "perfdata/record_hopper.h"

#include <algorithm>

#include "perfdata/record_framing.h"

namespace fgread {
namespace {

// A side-band record and the next header fit in the smallest window; beyond the largest a read
// costs no less per byte.
constexpr std::size_t min_read = 256;
constexpr std::size_t max_read = std::size_t{256} << 10;
// Below this average size of a record, reading all of it costs less than a system call to jump.
constexpr std::uint64_t small_record = 1024;
// Of a mapping: giving memory back costs some microseconds, more memory than this nothing less.
constexpr std::size_t mapped_window = std::size_t{16} << 20;

}  // namespace

RecordHopper::RecordHopper(const InputFile& file, std::uint64_t begin, std::uint64_t end,
                           Endian endian, std::uint64_t sequence)
    : file_(file),
      end_(end),
      endian_(endian),
      read_size_(min_read),
      position_(begin),
      sequence_(sequence) {}

// Of a large file, the second pass over it has a use for this memory only at its very end.
RecordHopper::~RecordHopper() {
    const MappedFile* mapped = file_.mapped();
    if (mapped && mapped->bytes().size() > mapped_window) {
        mapped->release(window_begin_, window_.size());
    }
}

// Makes [offset, offset + size) readable in the window; the caller has checked it against end_.
bool RecordHopper::require(std::uint64_t offset, std::size_t size) {
    const auto shows_it = [&] {
        return offset >= window_begin_ && offset - window_begin_ <= window_.size() &&
               size <= window_.size() - (offset - window_begin_);
    };
    if (shows_it()) return true;
    if (const MappedFile* mapped = file_.mapped()) {
        show_window(*mapped, offset);
    } else {
        read_window(offset, size);
    }
    return shows_it();
}

void RecordHopper::show_window(const MappedFile& mapped, std::uint64_t offset) {
    mapped.release(window_begin_, window_.size());
    const auto wanted = std::min<std::uint64_t>(mapped_window, end_ - offset);
    window_begin_ = offset;
    window_ =
        mapped.bytes().subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(wanted));
}

void RecordHopper::read_window(std::uint64_t offset, std::size_t size) {
    const bool records_are_small = offset - window_begin_ <= served_ * small_record;
    read_size_ = records_are_small ? std::min(read_size_ * 2, max_read) : min_read;
    served_ = 0;
    const std::uint64_t wanted = std::min<std::uint64_t>(std::max(size, read_size_), end_ - offset);
    read_.resize(std::max(read_.size(), static_cast<std::size_t>(wanted)));
    const auto got =
        file_.read_at(offset, std::span(read_).first(static_cast<std::size_t>(wanted)));
    window_begin_ = offset;
    window_ = ByteView(read_).first(got ? *got : 0);
    if (!got) read_error_ = got.error().message;
}

std::optional<RecordHeader> RecordHopper::stop_with(Stop reason) {
    stop_ = reason;
    end_ = position_;  // whoever asks again gets the same answer
    return std::nullopt;
}

// The header at the position, of a record that is whole.
std::optional<RecordHeader> RecordHopper::next_header() {
    using format::record_header_size;
    const std::uint64_t rest = end_ - position_;
    if (rest == 0) return std::nullopt;
    if (rest < record_header_size) return stop_with(Stop::cut);
    if (ahead_ && position_ >= found_.piece_end) found_ = ahead_->run_at(position_);
    if (!found_.headers.empty()) {
        const RecordHeader header = found_.headers.front();
        found_.headers = found_.headers.subspan(1);
        return header;
    }
    if (!require(position_, record_header_size)) return stop_with(Stop::read_error);
    const RecordHeader header =
        load_record_header(window_.data() + (position_ - window_begin_), endian_);
    if (header.size < record_header_size) return stop_with(Stop::bad_size);
    if (header.size > rest) return stop_with(Stop::cut);
    return header;
}

std::optional<RecordHopper::Header> RecordHopper::next() {
    const auto header = next_header();
    if (!header) return std::nullopt;
    current_ = {header->type, header->misc, header->size, position_, 0, sequence_};
    if (has_outside_bytes(header->type)) {
        const auto record = view();
        if (!record) {
            stop_with(Stop::read_error);
            return std::nullopt;
        }
        current_.outside = outside_bytes(header->type, record->body, endian_);
        // What is missing of a trace is missed by nobody here, but no record follows it.
        current_.outside =
            std::min<std::uint64_t>(current_.outside, end_ - position_ - header->size);
    }
    ++served_;
    ++sequence_;
    position_ += header->size + current_.outside;
    return current_;
}

std::optional<RecordView> RecordHopper::view(std::size_t bytes) {
    using format::record_header_size;
    const std::size_t body = std::min(bytes, current_.size - record_header_size);
    const std::uint64_t begin = current_.offset + record_header_size;
    if (!require(begin, body)) return std::nullopt;
    RecordView record;
    record.type = current_.type;
    record.misc = current_.misc;
    record.body = window_.subspan(static_cast<std::size_t>(begin - window_begin_), body);
    record.file_offset = current_.offset;
    record.sequence = current_.sequence;
    record.endian = endian_;
    return record;
}

}  // namespace fgread
