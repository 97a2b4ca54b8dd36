#include "symbols/unpack.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <memory>

#include "symbols/xz.h"

namespace fgread {
namespace {

using Output = std::optional<std::vector<std::byte>>;

constexpr std::array gzip_magic = {std::byte{0x1f}, std::byte{0x8b}};
constexpr std::array xz_magic = {std::byte{0xfd}, std::byte{'7'}, std::byte{'z'},
                                 std::byte{'X'},  std::byte{'Z'}, std::byte{0}};
constexpr std::array zstd_magic = {std::byte{0x28}, std::byte{0xb5}, std::byte{0x2f},
                                   std::byte{0xfd}};
// zlib counts in 32 bits.
constexpr std::size_t max_step = std::size_t{1} << 30;
// Room that is made before anything has come out; doubled as needed.
constexpr std::size_t first_room = 64 << 10;
// "zstd --ultra -22" uses 2^27; the kernel's build stops at its default of 2^23 or so.
constexpr int max_zstd_window_log = 27;
constexpr int gzip_window_bits = 15 + 16;  // the largest window, with a gzip header

template <class Magic>
bool begins_with(ByteView file, const Magic& magic) {
    return file.size() >= magic.size() && std::equal(magic.begin(), magic.end(), file.begin());
}

// Output that grows up to one byte more than allowed, which tells a result that is too large from
// one that just fits.
class Growing {
public:
    explicit Growing(std::uint64_t max_size) : max_size_(max_size) {}

    // Room for more; empty if there may be no more.
    std::span<std::byte> room() {
        if (made_ == bytes_.size()) {
            if (bytes_.size() > max_size_) return {};
            bytes_.resize(std::min<std::uint64_t>(std::max<std::uint64_t>(first_room, 2 * made_),
                                                  max_size_ + 1));
        }
        return std::span(bytes_).subspan(made_, std::min(bytes_.size() - made_, max_step));
    }
    void add(std::size_t size) { made_ += size; }
    Output finish() {
        if (made_ > max_size_) return std::nullopt;
        bytes_.resize(made_);
        return std::move(bytes_);
    }

private:
    std::uint64_t max_size_;
    std::size_t made_ = 0;
    std::vector<std::byte> bytes_;
};

struct Inflater {
    z_stream stream{};
    bool ready = inflateInit2(&stream, gzip_window_bits) == Z_OK;
    Inflater() = default;
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;
    ~Inflater() {
        if (ready) inflateEnd(&stream);
    }
};

Output unpack_gzip(ByteView file, std::uint64_t max_size) {
    Inflater inflater;
    if (!inflater.ready) return std::nullopt;
    z_stream& stream = inflater.stream;
    Growing out(max_size);
    for (int status = Z_OK; status != Z_STREAM_END;) {
        const std::span<std::byte> room = out.room();
        if (room.empty()) return std::nullopt;
        const std::size_t step = std::min(file.size(), max_step);
        // zlib's interface predates const; it writes nothing to its input.
        stream.next_in =
            const_cast<Bytef*>(static_cast<const Bytef*>(static_cast<const void*>(file.data())));
        stream.avail_in = static_cast<uInt>(step);
        stream.next_out = static_cast<Bytef*>(static_cast<void*>(room.data()));
        stream.avail_out = static_cast<uInt>(room.size());
        status = inflate(&stream, Z_NO_FLUSH);
        if (status != Z_OK && status != Z_STREAM_END) return std::nullopt;
        file = file.subspan(step - stream.avail_in);
        out.add(room.size() - stream.avail_out);
    }
    return out.finish();
}

struct FreeZstd {
    void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
};

Output unpack_zstd(ByteView file, std::uint64_t max_size) {
    const std::unique_ptr<ZSTD_DStream, FreeZstd> stream(ZSTD_createDStream());
    if (!stream || ZSTD_isError(ZSTD_DCtx_setParameter(stream.get(), ZSTD_d_windowLogMax,
                                                       max_zstd_window_log)) != 0) {
        return std::nullopt;
    }
    Growing out(max_size);
    ZSTD_inBuffer in{file.data(), file.size(), 0};
    for (std::size_t wanted = 1; wanted != 0 || in.pos < in.size;) {
        const std::span<std::byte> room = out.room();
        if (room.empty()) return std::nullopt;
        ZSTD_outBuffer to{room.data(), room.size(), 0};
        const std::size_t read_before = in.pos;
        wanted = ZSTD_decompressStream(stream.get(), &to, &in);
        if (ZSTD_isError(wanted) != 0) return std::nullopt;
        out.add(to.pos);
        const bool cut = wanted != 0 && in.pos == in.size && to.pos < to.size;
        const bool stuck = to.pos == 0 && in.pos == read_before;
        if (cut || stuck) return std::nullopt;
    }
    return out.finish();
}

}  // namespace

Output unpack(ByteView file, std::uint64_t max_size) {
    if (begins_with(file, gzip_magic)) return unpack_gzip(file, max_size);
    if (begins_with(file, xz_magic)) return expand_xz(file, max_size);
    if (begins_with(file, zstd_magic)) return unpack_zstd(file, max_size);
    if (file.size() > max_size) return std::nullopt;
    return std::vector<std::byte>(file.begin(), file.end());
}

}  // namespace fgread
