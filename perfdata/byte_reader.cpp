#include "perfdata/byte_reader.h"

namespace fgread {
namespace {

// 10 groups of 7 bits hold 64 bits; longer encodings are either padding or an attack.
constexpr unsigned max_leb128_bytes = 10;

}  // namespace

std::uint64_t ByteReader::uleb128() {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < max_leb128_bytes; ++i) {
        const std::uint8_t byte = u8();
        if (!ok()) return 0;
        value |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);  // i = 9: only bit 63 survives
        if ((byte & 0x80) == 0) return value;
    }
    fail();
    return 0;
}

std::int64_t ByteReader::sleb128() {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < max_leb128_bytes; ++i) {
        const std::uint8_t byte = u8();
        if (!ok()) return 0;
        value |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);
        if ((byte & 0x80) != 0) continue;
        const unsigned bits = 7 * (i + 1);
        if (bits < 64 && (byte & 0x40) != 0) value |= ~std::uint64_t{0} << bits;
        return static_cast<std::int64_t>(value);
    }
    fail();
    return 0;
}

ByteView ByteReader::bytes(std::uint64_t size) {
    if (size > remaining()) {
        fail();
        return {};
    }
    const ByteView view = bytes_.subspan(position_, static_cast<std::size_t>(size));
    position_ += static_cast<std::size_t>(size);
    return view;
}

std::string_view ByteReader::c_string() {
    if (remaining() == 0) {
        fail();
        return {};
    }
    const std::byte* begin = bytes_.data() + position_;
    const void* end = std::memchr(begin, 0, remaining());
    if (end == nullptr) {
        fail();
        return {};
    }
    const auto length = static_cast<std::size_t>(static_cast<const std::byte*>(end) - begin);
    position_ += length + 1;
    // char may alias anything: this is a view of the same bytes, not a read of another type.
    return {static_cast<const char*>(static_cast<const void*>(begin)), length};
}

void ByteReader::skip(std::uint64_t size) { static_cast<void>(bytes(size)); }

void ByteReader::seek(std::uint64_t position) {
    if (failed_ || position > bytes_.size()) {
        fail();
        return;
    }
    position_ = static_cast<std::size_t>(position);
}

std::optional<ByteView> checked_subview(ByteView bytes, std::uint64_t offset, std::uint64_t size) {
    if (offset > bytes.size() || size > bytes.size() - offset) return std::nullopt;
    return bytes.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
}

}  // namespace fgread
