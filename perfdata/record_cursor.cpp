// RecordCursor (reader.h): the records of a piece of memory.
#include <algorithm>

#include "perfdata/reader.h"
#include "perfdata/record_framing.h"

namespace fgread {

RecordCursor::RecordCursor(ByteView bytes, std::uint64_t file_offset, std::uint64_t first_sequence,
                           Endian endian)
    : bytes_(bytes), file_offset_(file_offset), sequence_(first_sequence), endian_(endian) {}

std::optional<RecordView> RecordCursor::next() {
    const std::size_t rest = bytes_.size() - position_;
    if (rest == 0 || damaged_) return std::nullopt;
    RecordHeader header;
    if (rest >= format::record_header_size) {
        header = load_record_header(bytes_.data() + position_, endian_);
    }
    // There is no finding the next record behind one whose size is wrong.
    damaged_ = header.size < format::record_header_size || header.size > rest;
    if (damaged_) return std::nullopt;

    RecordView record;
    record.type = header.type;
    record.misc = header.misc;
    record.body = bytes_.subspan(position_ + format::record_header_size,
                                 header.size - format::record_header_size);
    record.file_offset = file_offset_ + position_;
    record.sequence = sequence_++;
    record.endian = endian_;
    position_ += header.size;
    const std::uint64_t outside = outside_bytes(header.type, record.body, endian_);
    position_ +=
        static_cast<std::size_t>(std::min<std::uint64_t>(outside, bytes_.size() - position_));
    return record;
}

ByteView RecordCursor::ahead(std::size_t bytes) const {
    return bytes_.subspan(position_, std::min(bytes, bytes_.size() - position_));
}

bool RecordCursor::damaged() const { return damaged_; }

}  // namespace fgread
