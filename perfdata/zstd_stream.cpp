#include "perfdata/zstd_stream.h"

#include <zstd.h>

namespace fgread {
namespace {

// perf's highest level, 22, makes windows of 128 MiB; its default, 1, of 512 KiB.
constexpr int max_window_log = 27;

}  // namespace

struct ZstdStream::State {
    State() : context(ZSTD_createDCtx()) {
        ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, max_window_log);
    }
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() { ZSTD_freeDCtx(context); }
    ZSTD_DCtx* context;
};

ZstdStream::ZstdStream() : state_(std::make_unique<State>()) {}
ZstdStream::~ZstdStream() = default;
ZstdStream::ZstdStream(ZstdStream&&) noexcept = default;
ZstdStream& ZstdStream::operator=(ZstdStream&&) noexcept = default;

void ZstdStream::feed(ByteView payload) { payload_ = payload; }

std::optional<std::size_t> ZstdStream::read(std::span<std::byte> out) {
    if (state_->context == nullptr) error_ = "no memory";
    if (!error_.empty()) return std::nullopt;
    ZSTD_inBuffer input{payload_.data(), payload_.size(), 0};
    ZSTD_outBuffer output{out.data(), out.size(), 0};
    // Asked once more when the input is used up: a full `out` may have left some behind.
    do {
        const std::size_t before = input.pos;
        const std::size_t status = ZSTD_decompressStream(state_->context, &output, &input);
        if (ZSTD_isError(status) != 0) {
            error_ = ZSTD_getErrorName(status);
            return std::nullopt;
        }
        if (input.pos == before) break;
    } while (output.pos < output.size && input.pos < input.size);
    payload_ = payload_.subspan(input.pos);
    return output.pos;
}

}  // namespace fgread
