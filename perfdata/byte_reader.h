// The one place where input bytes become integers: every read is checked against the end.
//
// perf.data, ELF and DWARF are untrusted. Nothing else in the project casts input bytes.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

namespace fgread {

// Bytes owned by somebody else; who, and for how long, is said where one is handed out.
using ByteView = std::span<const std::byte>;

enum class Endian : std::uint8_t { little, big };

// Reads an unaligned integer of the given byte order from exactly sizeof(T) bytes at `bytes`.
// The caller has checked the length: for loops over words whose count was checked once.
template <class T>
[[nodiscard]] inline T load_unchecked(const std::byte* bytes, Endian endian) {
    static_assert(std::is_integral_v<T>);
    std::make_unsigned_t<T> raw;
    std::memcpy(&raw, bytes, sizeof raw);
    const bool swap = (endian == Endian::big) == (std::endian::native == std::endian::little);
    if (swap) {
        if constexpr (sizeof(T) == 2) raw = __builtin_bswap16(raw);
        if constexpr (sizeof(T) == 4) raw = __builtin_bswap32(raw);
        if constexpr (sizeof(T) == 8) raw = __builtin_bswap64(raw);
    }
    return static_cast<T>(raw);
}

// A cursor over bytes. A read past the end yields 0 (or an empty view) and makes the reader fail
// for good: parse a whole structure, then ask ok() once. Never throws, never allocates.
class ByteReader {
public:
    explicit ByteReader(ByteView bytes, Endian endian = Endian::little)
        : bytes_(bytes), endian_(endian) {}

    template <class T>
    [[nodiscard]] T read() {
        if (remaining() < sizeof(T)) {
            fail();
            return T{};
        }
        const T value = load_unchecked<T>(bytes_.data() + position_, endian_);
        position_ += sizeof(T);
        return value;
    }
    std::uint8_t u8() { return read<std::uint8_t>(); }
    std::uint16_t u16() { return read<std::uint16_t>(); }
    std::uint32_t u32() { return read<std::uint32_t>(); }
    std::uint64_t u64() { return read<std::uint64_t>(); }
    std::int32_t i32() { return read<std::int32_t>(); }

    // LEB128 (DWARF 5, 7.6), at most 10 bytes of value; longer ones fail.
    [[nodiscard]] std::uint64_t uleb128();
    [[nodiscard]] std::int64_t sleb128();

    // The next `size` bytes, as a view into the same memory.
    [[nodiscard]] ByteView bytes(std::uint64_t size);
    // Up to the next NUL, which is consumed; fails if there is none.
    [[nodiscard]] std::string_view c_string();
    void skip(std::uint64_t size);
    // Moves to an absolute position; fails if it lies beyond the end.
    void seek(std::uint64_t position);

    [[nodiscard]] bool ok() const { return !failed_; }
    [[nodiscard]] std::size_t position() const { return position_; }
    [[nodiscard]] std::size_t remaining() const { return bytes_.size() - position_; }
    [[nodiscard]] bool at_end() const { return position_ == bytes_.size(); }
    [[nodiscard]] Endian endian() const { return endian_; }

    // For a caller that found what it read impossible: as if the bytes had ended.
    void fail() {
        failed_ = true;
        position_ = bytes_.size();
    }

private:
    ByteView bytes_;
    std::size_t position_ = 0;
    Endian endian_;
    bool failed_ = false;
};

// A list of u64 inside input bytes, at any alignment. Lives as long as the bytes it came from.
class U64View {
public:
    U64View() = default;
    // Uses only whole words of `bytes`.
    U64View(ByteView bytes, Endian endian) : bytes_(bytes), endian_(endian) {}

    [[nodiscard]] std::size_t size() const { return bytes_.size() / 8; }
    [[nodiscard]] bool empty() const { return size() == 0; }
    // `index` < size().
    [[nodiscard]] std::uint64_t operator[](std::size_t index) const {
        return load_unchecked<std::uint64_t>(bytes_.data() + index * 8, endian_);
    }

private:
    ByteView bytes_;
    Endian endian_ = Endian::little;
};

// bytes[offset, offset + size), or nothing if that does not lie inside; cannot overflow.
[[nodiscard]] std::optional<ByteView> checked_subview(ByteView bytes, std::uint64_t offset,
                                                      std::uint64_t size);

}  // namespace fgread
