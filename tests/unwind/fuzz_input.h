// Test support: takes a fuzzer's input apart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "perfdata/byte_reader.h"

namespace fgread::test {

class FuzzInput {
public:
    FuzzInput(const std::uint8_t* data, std::size_t size)
        : reader_(std::as_bytes(std::span(data, size))) {}

    // 0 when the input is used up.
    std::uint8_t u8() { return reader_.remaining() > 0 ? reader_.u8() : std::uint8_t{0}; }
    std::uint64_t u64() { return reader_.remaining() >= 8 ? reader_.u64() : u8(); }
    // A part whose 2-byte length stands before it, or what there is.
    ByteView part() {
        const std::size_t size = reader_.remaining() >= 2 ? reader_.u16() : 0;
        return reader_.bytes(size < reader_.remaining() ? size : reader_.remaining());
    }
    ByteView rest() { return reader_.bytes(reader_.remaining()); }
    [[nodiscard]] bool empty() const { return reader_.at_end(); }

private:
    ByteReader reader_;
};

}  // namespace fgread::test
