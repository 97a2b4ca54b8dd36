#include <doctest/doctest.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <string>

#include "symbols/unpack.h"
#include "tests/symbols/elf_builder.h"

using namespace fgread;
using test::Bytes;

namespace {

Bytes gzipped(const Bytes& text) {
    Bytes out(text.size() + 1000);
    z_stream stream{};
    REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) == Z_OK);
    stream.next_in =
        const_cast<Bytef*>(static_cast<const Bytef*>(static_cast<const void*>(text.data())));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = static_cast<Bytef*>(static_cast<void*>(out.data()));
    stream.avail_out = static_cast<uInt>(out.size());
    REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    out.resize(out.size() - stream.avail_out);
    deflateEnd(&stream);
    return out;
}

Bytes zstd_packed(const Bytes& text) {
    Bytes out(ZSTD_compressBound(text.size()));
    out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
    return out;
}

Bytes xz_packed(const Bytes& text) {
    Bytes out(text.size() + 1000);
    std::size_t made = 0;
    REQUIRE(lzma_easy_buffer_encode(
                6, LZMA_CHECK_CRC32, nullptr,
                static_cast<const std::uint8_t*>(static_cast<const void*>(text.data())),
                text.size(), static_cast<std::uint8_t*>(static_cast<void*>(out.data())), &made,
                out.size()) == LZMA_OK);
    out.resize(made);
    return out;
}

Bytes some_text(std::size_t size) {
    Bytes text;
    for (std::size_t i = 0; i < size; ++i) text.push_back(std::byte(i * i / 7));
    return text;
}

using Pack = Bytes (*)(const Bytes&);
constexpr Pack packers[] = {gzipped, zstd_packed, xz_packed};

}  // namespace

TEST_CASE("files packed by gzip, zstd and xz expand to what they were") {
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{64 << 10},
                                   std::size_t{(64 << 10) + 1}, std::size_t{500'000}}) {
        const Bytes text = some_text(size);
        for (const Pack pack : packers) CHECK(unpack(pack(text), 500'000) == text);
    }
}

TEST_CASE("a file that is not packed stays as it is") {
    const Bytes text = test::bytes_of("\177ELF and so on");
    CHECK(unpack(text, 100) == text);
    CHECK(unpack({}, 100) == Bytes{});
    CHECK_FALSE(unpack(text, text.size() - 1));
}

TEST_CASE("a packed file that expands to more than allowed is refused") {
    const Bytes zeros(1 << 20);
    for (const Pack pack : packers) {
        const Bytes packed = pack(zeros);
        CHECK(packed.size() < 20'000);
        CHECK(unpack(packed, zeros.size()) == zeros);
        CHECK_FALSE(unpack(packed, zeros.size() - 1));
        CHECK_FALSE(unpack(packed, 0));
    }
}

TEST_CASE("a packed file that is cut or damaged is refused") {
    const Bytes text = some_text(5000);
    for (const Pack pack : packers) {
        const Bytes packed = pack(text);
        for (std::size_t size = 6; size < packed.size(); size += 1 + packed.size() / 50) {
            CAPTURE(size);
            CHECK_FALSE(unpack(ByteView(packed).first(size), 1 << 20));
        }
        // zstd frames of ZSTD_compress carry no checksum: there any text may come out.
        for (std::size_t at = 6; at < packed.size(); at += 1 + packed.size() / 50) {
            Bytes damaged = packed;
            damaged[at] ^= std::byte{0x55};
            const auto out = unpack(damaged, 1 << 20);
            if (pack == xz_packed) CHECK_FALSE(out);
            if (out) CHECK(out->size() <= 1 << 20);
        }
    }
}
