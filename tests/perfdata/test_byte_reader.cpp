#include "perfdata/byte_reader.h"

#include <doctest/doctest.h>

#include <vector>

using namespace fgread;

namespace {

std::vector<std::byte> bytes_of(std::initializer_list<unsigned> values) {
    std::vector<std::byte> bytes;
    for (const unsigned value : values) bytes.push_back(static_cast<std::byte>(value));
    return bytes;
}

}  // namespace

TEST_CASE("integers are read in the byte order asked for") {
    const auto bytes = bytes_of({0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08});
    CHECK(ByteReader(bytes).u64() == 0x0807060504030201);
    CHECK(ByteReader(bytes, Endian::big).u64() == 0x0102030405060708);
    CHECK(ByteReader(bytes, Endian::big).u32() == 0x01020304);
    CHECK(ByteReader(bytes, Endian::big).u16() == 0x0102);
    CHECK(ByteReader(bytes, Endian::big).u8() == 0x01);
}

TEST_CASE("signed integers keep their sign") {
    const auto bytes = bytes_of({0xfe, 0xff, 0xff, 0xff});
    CHECK(ByteReader(bytes).i32() == -2);
}

TEST_CASE("a read past the end gives 0 and fails for good") {
    const auto bytes = bytes_of({1, 2, 3});
    ByteReader in(bytes);
    CHECK(in.u16() == 0x0201);
    CHECK(in.u16() == 0);
    CHECK_FALSE(in.ok());
    CHECK(in.u8() == 0);  // although one byte was left
    in.seek(0);
    CHECK_FALSE(in.ok());
    CHECK(in.at_end());
}

TEST_CASE("a size near 2^64 does not wrap around") {
    const auto bytes = bytes_of({1, 2, 3, 4});
    ByteReader in(bytes);
    in.skip(1);
    CHECK(in.bytes(~std::uint64_t{0}).empty());
    CHECK_FALSE(in.ok());
    CHECK_FALSE(checked_subview(bytes, 1, ~std::uint64_t{0}).has_value());
    CHECK_FALSE(checked_subview(bytes, ~std::uint64_t{0}, 1).has_value());
    CHECK(checked_subview(bytes, 4, 0).has_value());
    CHECK(checked_subview(bytes, 1, 3)->size() == 3);
}

TEST_CASE("LEB128 numbers of DWARF 5, table 7.5 and 7.6") {
    struct Case {
        std::initializer_list<unsigned> bytes;
        std::uint64_t value;
    };
    for (const Case& c : {Case{{2}, 2}, Case{{127}, 127}, Case{{0 + 0x80, 1}, 128},
                          Case{{1 + 0x80, 1}, 129}, Case{{57 + 0x80, 100}, 12857}}) {
        const auto bytes = bytes_of(c.bytes);
        ByteReader in(bytes);
        CHECK(in.uleb128() == c.value);
        CHECK(in.at_end());
    }
    struct Signed {
        std::initializer_list<unsigned> bytes;
        std::int64_t value;
    };
    for (const Signed& c :
         {Signed{{2}, 2}, Signed{{0x7e}, -2}, Signed{{127 + 0x80, 0}, 127},
          Signed{{1 + 0x80, 0x7f}, -127}, Signed{{0 + 0x80, 1}, 128},
          Signed{{0 + 0x80, 0x7f}, -128},
          Signed{{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f}, INT64_MIN}}) {
        const auto bytes = bytes_of(c.bytes);
        ByteReader in(bytes);
        CHECK(in.sleb128() == c.value);
        CHECK(in.ok());
    }
}

TEST_CASE("the largest LEB128 fits, an eleventh byte fails") {
    std::vector<std::byte> bytes(10, std::byte{0xff});
    bytes[9] = std::byte{1};
    CHECK(ByteReader(bytes).uleb128() == ~std::uint64_t{0});
    bytes[9] = std::byte{0x80};
    bytes.push_back(std::byte{0});
    ByteReader too_long(bytes);
    CHECK(too_long.uleb128() == 0);
    CHECK_FALSE(too_long.ok());
    ByteReader too_long_signed(bytes);
    CHECK(too_long_signed.sleb128() == 0);
    CHECK_FALSE(too_long_signed.ok());
}

TEST_CASE("a string ends at its NUL, and fails without one") {
    const auto bytes = bytes_of({'a', 'b', 0, 'c'});
    ByteReader in(bytes);
    CHECK(in.c_string() == "ab");
    CHECK(in.position() == 3);
    CHECK(in.c_string().empty());
    CHECK_FALSE(in.ok());
    ByteReader empty{ByteView()};
    CHECK(empty.c_string().empty());
    CHECK_FALSE(empty.ok());
}

TEST_CASE("a list of words ignores an incomplete last one") {
    const std::vector<std::byte> bytes(23, std::byte{1});
    const U64View words(bytes, Endian::little);
    CHECK(words.size() == 2);
    CHECK(words[1] == 0x0101010101010101);
}
