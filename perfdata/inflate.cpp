// zlib then promises not to write to its input.
#define ZLIB_CONST

#include "perfdata/inflate.h"

#include <fmt/format.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

namespace fgread {
namespace {

// xz -9 needs 65 MiB to unpack, zstd --ultra -22 a window of 128 MiB.
constexpr std::uint64_t max_xz_memory = std::uint64_t{128} << 20;
constexpr int max_zstd_window_log = 27;
constexpr std::size_t input_size = std::size_t{128} << 10;
// What one step is given to fill; zlib counts in 32 bits.
constexpr std::size_t max_output = std::size_t{1} << 20;

// unsigned char may alias anything: a view of the same bytes, not a read of another type.
const unsigned char* chars(ByteView bytes) {
    return static_cast<const unsigned char*>(static_cast<const void*>(bytes.data()));
}
unsigned char* chars(std::span<std::byte> bytes) {
    return static_cast<unsigned char*>(static_cast<void*>(bytes.data()));
}

// One step of a decompressor: how far it came, and what it says.
struct Step {
    std::size_t consumed = 0;
    std::size_t produced = 0;
    bool member_ended = false;  // what follows, if anything, begins anew
    const char* error = nullptr;
};

class Codec {
public:
    virtual ~Codec() = default;
    virtual Step step(ByteView in, std::span<std::byte> out, bool last) = 0;
};

class Gzip final : public Codec {
public:
    Gzip() : ready_(inflateInit2(&stream_, window_bits) == Z_OK) {}
    Gzip(const Gzip&) = delete;
    Gzip& operator=(const Gzip&) = delete;
    ~Gzip() override { inflateEnd(&stream_); }

    Step step(ByteView in, std::span<std::byte> out, bool) override {
        if (!ready_) return {.error = "no memory"};
        stream_.next_in = chars(in);
        stream_.avail_in = static_cast<uInt>(in.size());
        stream_.next_out = chars(out);
        stream_.avail_out = static_cast<uInt>(out.size());
        const int status = inflate(&stream_, Z_NO_FLUSH);
        Step step{in.size() - stream_.avail_in, out.size() - stream_.avail_out};
        step.member_ended = status == Z_STREAM_END;
        if (step.member_ended) inflateReset(&stream_);
        const bool good = step.member_ended || status == Z_OK || status == Z_BUF_ERROR;
        if (!good) step.error = stream_.msg != nullptr ? stream_.msg : "damaged";
        return step;
    }

private:
    static constexpr int window_bits = 15 + 16;  // the largest window, with a gzip header
    z_stream stream_ = {};
    bool ready_;
};

class Xz final : public Codec {
public:
    Xz() : ready_(lzma_stream_decoder(&stream_, max_xz_memory, LZMA_CONCATENATED) == LZMA_OK) {}
    Xz(const Xz&) = delete;
    Xz& operator=(const Xz&) = delete;
    ~Xz() override { lzma_end(&stream_); }

    Step step(ByteView in, std::span<std::byte> out, bool last) override {
        if (!ready_) return {.error = "no memory"};
        stream_.next_in = chars(in);
        stream_.avail_in = in.size();
        stream_.next_out = chars(out);
        stream_.avail_out = out.size();
        const lzma_ret status = lzma_code(&stream_, last ? LZMA_FINISH : LZMA_RUN);
        Step step{in.size() - stream_.avail_in, out.size() - stream_.avail_out};
        step.member_ended = status == LZMA_STREAM_END;
        if (status == LZMA_MEMLIMIT_ERROR) {
            step.error = "needs more memory than is allowed";
        } else if (!step.member_ended && status != LZMA_OK && status != LZMA_BUF_ERROR) {
            step.error = "damaged";
        }
        return step;
    }

private:
    lzma_stream stream_ = LZMA_STREAM_INIT;
    bool ready_;
};

class Zstd final : public Codec {
public:
    Zstd() : context_(ZSTD_createDCtx()) {
        ZSTD_DCtx_setParameter(context_, ZSTD_d_windowLogMax, max_zstd_window_log);
    }
    Zstd(const Zstd&) = delete;
    Zstd& operator=(const Zstd&) = delete;
    ~Zstd() override { ZSTD_freeDCtx(context_); }

    Step step(ByteView in, std::span<std::byte> out, bool) override {
        if (context_ == nullptr) return {.error = "no memory"};
        ZSTD_inBuffer input{in.data(), in.size(), 0};
        ZSTD_outBuffer output{out.data(), out.size(), 0};
        const std::size_t status = ZSTD_decompressStream(context_, &output, &input);
        Step step{input.pos, output.pos};
        step.member_ended = status == 0;
        if (ZSTD_isError(status) != 0) step.error = ZSTD_getErrorName(status);
        return step;
    }

private:
    ZSTD_DCtx* context_;
};

std::unique_ptr<Codec> make_codec(Wrapping wrapping) {
    switch (wrapping) {
        case Wrapping::gzip:
            return std::make_unique<Gzip>();
        case Wrapping::xz:
            return std::make_unique<Xz>();
        case Wrapping::zstd:
        case Wrapping::none:
            break;
    }
    return std::make_unique<Zstd>();
}

class Unpacked final : public ByteSource {
public:
    Unpacked(std::unique_ptr<ByteSource> packed, Wrapping wrapping, std::string name)
        : packed_(std::move(packed)), codec_(make_codec(wrapping)), name_(std::move(name)) {}

    Result<std::size_t> read(std::span<std::byte> buffer) override {
        const auto out = buffer.first(std::min(buffer.size(), max_output));
        while (!ended_) {
            if (available() == 0 && !at_end_) {
                if (auto error = refill()) return *error;
            }
            if (available() == 0 && between_members_) break;
            const ByteView in = ByteView(input_).subspan(begin_, available());
            const Step step = codec_->step(in, out, at_end_);
            begin_ += step.consumed;
            if (step.consumed != 0) between_members_ = false;
            if (step.member_ended) between_members_ = true;
            // What one step makes before it fails is good; the next one fails again.
            if (step.produced != 0) return step.produced;
            if (step.error != nullptr) return damage(step.error);
            if (step.consumed != 0 || step.member_ended) continue;
            if (at_end_) return damage("ends too early");
            if (available() != 0) return damage("makes no progress");
        }
        ended_ = true;
        return std::size_t{0};
    }

    void cancel() override { packed_->cancel(); }

private:
    [[nodiscard]] std::size_t available() const { return end_ - begin_; }

    std::optional<Error> refill() {
        input_.resize(input_size);
        const auto got = packed_->read(input_);
        if (!got) return got.error();
        begin_ = 0;
        end_ = *got;
        at_end_ = *got == 0;
        return std::nullopt;
    }

    // What comes before the damage has been given out already.
    Error damage(const char* reason) {
        ended_ = true;
        return {ErrorKind::damaged, fmt::format("{}: cannot be unpacked: {}", name_, reason)};
    }

    std::unique_ptr<ByteSource> packed_;
    std::unique_ptr<Codec> codec_;
    std::string name_;
    std::vector<std::byte> input_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    bool at_end_ = false;  // of the packed bytes
    bool between_members_ = false;
    bool ended_ = false;
};

}  // namespace

Wrapping wrapping_of(ByteView bytes) {
    const auto begins_with = [&](std::initializer_list<unsigned> magic) {
        return bytes.size() >= magic.size() &&
               std::equal(magic.begin(), magic.end(), bytes.begin(),
                          [](unsigned a, std::byte b) { return std::byte(a) == b; });
    };
    if (begins_with({0x1f, 0x8b})) return Wrapping::gzip;
    if (begins_with({0xfd, '7', 'z', 'X', 'Z', 0})) return Wrapping::xz;
    if (begins_with({0x28, 0xb5, 0x2f, 0xfd})) return Wrapping::zstd;
    return Wrapping::none;
}

std::unique_ptr<ByteSource> unpack(std::unique_ptr<ByteSource> packed, Wrapping wrapping,
                                   std::string name) {
    return std::make_unique<Unpacked>(std::move(packed), wrapping, std::move(name));
}

}  // namespace fgread
