// ProtoMessage: one message in protobuf's wire format, built field by field.
// https://protobuf.dev/programming-guides/encoding/
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace fgread {

// Fields may come in any order. Integers of 0 are left out, as proto3 does.
class ProtoMessage {
public:
    void integer(unsigned field, std::uint64_t value) {
        if (value == 0) return;
        put_tag(field, varint);
        put(value);
    }
    void bytes(unsigned field, std::string_view value) {
        put_tag(field, length_delimited);
        put(value.size());
        text_ += value;
    }
    void message(unsigned field, const ProtoMessage& value) { bytes(field, value.text_); }
    // A repeated integer field in its packed form; zeros stay.
    void integers(unsigned field, std::span<const std::uint64_t> values) {
        if (values.empty()) return;
        ProtoMessage packed;
        for (const std::uint64_t value : values) packed.put(value);
        message(field, packed);
    }

    [[nodiscard]] std::string_view text() const { return text_; }

private:
    enum WireType : unsigned { varint = 0, length_delimited = 2 };

    void put_tag(unsigned field, WireType type) { put(std::uint64_t{field} << 3 | type); }
    void put(std::uint64_t value) {
        while (value >= 0x80) {
            text_ += static_cast<char>((value & 0x7f) | 0x80);
            value >>= 7;
        }
        text_ += static_cast<char>(value);
    }

    std::string text_;
};

}  // namespace fgread
