#include "symbols/xz.h"

#include <lzma.h>

#include <algorithm>

namespace fgread {
namespace {

// A dictionary of 64 MiB ("xz -9") and what liblzma needs beside it.
constexpr std::uint64_t max_decoder_memory = 80 << 20;
// Room that is made before anything has come out; doubled as needed.
constexpr std::uint64_t first_room = 64 << 10;

class Decoder {
public:
    ~Decoder() { lzma_end(&stream); }
    Decoder() = default;
    Decoder(const Decoder&) = delete;
    Decoder& operator=(const Decoder&) = delete;

    lzma_stream stream = LZMA_STREAM_INIT;
};

std::uint8_t* bytes_of(std::byte* bytes) {
    return static_cast<std::uint8_t*>(static_cast<void*>(bytes));
}
const std::uint8_t* bytes_of(const std::byte* bytes) {
    return static_cast<const std::uint8_t*>(static_cast<const void*>(bytes));
}

}  // namespace

std::optional<std::vector<std::byte>> expand_xz(ByteView packed, std::uint64_t max_size) {
    Decoder decoder;
    lzma_stream& stream = decoder.stream;
    if (lzma_stream_decoder(&stream, max_decoder_memory, LZMA_CONCATENATED) != LZMA_OK) {
        return std::nullopt;
    }
    stream.next_in = bytes_of(packed.data());
    stream.avail_in = packed.size();
    std::vector<std::byte> out;
    std::size_t made = 0;
    for (;;) {
        if (made == out.size()) {
            // One byte more than allowed tells a result that is too large from one that just fits.
            if (out.size() > max_size) return std::nullopt;
            out.resize(std::min<std::uint64_t>(std::max<std::uint64_t>(first_room, 2 * made),
                                               max_size + 1));
        }
        stream.next_out = bytes_of(out.data() + made);
        stream.avail_out = out.size() - made;
        const lzma_ret status = lzma_code(&stream, LZMA_FINISH);
        made = out.size() - stream.avail_out;
        if (status == LZMA_STREAM_END) break;
        if (status != LZMA_OK) return std::nullopt;
    }
    if (made > max_size) return std::nullopt;
    out.resize(made);
    return out;
}

}  // namespace fgread
