// StackMemory: the copy of the user stack in a sample, read by the address it had.
#pragma once

#include <cstdint>
#include <optional>

#include "perfdata/address.h"
#include "perfdata/byte_reader.h"

namespace fgread {

// Views bytes that somebody else owns (the sample's buffer) and lives no longer than they do.
// The words are in the byte order of the task's architecture, whatever the container's.
class StackMemory {
public:
    StackMemory() = default;
    StackMemory(Avma base, ByteView bytes, Endian endian = Endian::little)
        : base_(base.value), bytes_(bytes), endian_(endian) {}

    [[nodiscard]] Avma base() const { return {base_}; }
    [[nodiscard]] Avma end() const { return {base_ + bytes_.size()}; }
    [[nodiscard]] bool empty() const { return bytes_.empty(); }

    // The eight bytes at `address`; nothing unless all of them were copied.
    [[nodiscard]] std::optional<std::uint64_t> read_u64(std::uint64_t address) const {
        const std::uint64_t at = address - base_;
        if (bytes_.size() < 8 || at > bytes_.size() - 8) return std::nullopt;
        return load_unchecked<std::uint64_t>(bytes_.data() + at, endian_);
    }

    // Whether all of [address, address + size) was copied.
    [[nodiscard]] bool covers(std::uint64_t address, std::uint64_t size) const {
        const std::uint64_t at = address - base_;
        return at <= bytes_.size() && size <= bytes_.size() - at;
    }
    // The eight bytes at an address that covers() was asked about.
    [[nodiscard]] std::uint64_t word_unchecked(std::uint64_t address) const {
        return load_unchecked<std::uint64_t>(bytes_.data() + (address - base_), endian_);
    }
    // An integer of 1 to 8 bytes, zero-extended; nothing unless all of them were copied.
    [[nodiscard]] std::optional<std::uint64_t> read(std::uint64_t address, unsigned size) const {
        if (!covers(address, size)) return std::nullopt;
        const std::byte* bytes = bytes_.data() + (address - base_);
        std::uint64_t value = 0;
        for (unsigned i = 0; i < size; ++i) {
            const unsigned place = endian_ == Endian::little ? i : size - 1 - i;
            value |= static_cast<std::uint64_t>(bytes[i]) << (8 * place);
        }
        return value;
    }
    [[nodiscard]] Endian endian() const { return endian_; }

private:
    friend class StackWords;
    std::uint64_t base_ = 0;
    ByteView bytes_;
    Endian endian_ = Endian::little;
};

// The same of a little-endian task, for the hot path: whole words only, in half the instructions.
class StackWords {
public:
    explicit StackWords(const StackMemory& stack) : base_(stack.base_), data_(stack.bytes_.data()) {
        if (stack.bytes_.size() >= word) places_ = stack.bytes_.size() - word + 1;
    }
    // Whether all of the word at `address` was copied.
    [[nodiscard]] bool covers(std::uint64_t address) const { return address - base_ < places_; }
    // The word at an address that covers() was asked about.
    [[nodiscard]] std::uint64_t at(std::uint64_t address) const {
        return load_unchecked<std::uint64_t>(data_ + (address - base_), Endian::little);
    }
    [[nodiscard]] bool says(std::uint64_t address, std::uint64_t value) const {
        return covers(address) && at(address) == value;
    }

    static constexpr std::uint64_t word = sizeof(std::uint64_t);

private:
    std::uint64_t base_;
    const std::byte* data_;
    std::uint64_t places_ = 0;  // where a word may begin
};

}  // namespace fgread
