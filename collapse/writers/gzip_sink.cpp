// zlib then promises not to write to its input.
#define ZLIB_CONST

#include "collapse/writers/gzip_sink.h"

#include <zlib.h>

#include <algorithm>
#include <vector>

namespace fgread {

namespace {

constexpr std::size_t buffer_size = 64 * 1024;
constexpr int gzip_window_bits = 15 + 16;  // zlib.h, deflateInit2: 16 asks for a gzip header
constexpr int memory_level = 8;            // zlib's default

}  // namespace

struct GzipSink::State {
    const TextSink& sink;
    z_stream stream{};
    std::vector<char> buffer = std::vector<char>(buffer_size);
    bool ready = false;
    bool failed = false;

    bool run(std::string_view text, int flush) {
        if (!ready || failed) return false;
        // zlib takes sizes of 32 bits.
        constexpr std::size_t most = 1u << 30;
        do {
            const std::string_view piece = text.substr(0, most);
            text.remove_prefix(piece.size());
            if (!deflate_piece(piece, text.empty() ? flush : Z_NO_FLUSH)) return false;
        } while (!text.empty());
        return true;
    }

    bool deflate_piece(std::string_view piece, int flush) {
        stream.next_in = static_cast<const Bytef*>(static_cast<const void*>(piece.data()));
        stream.avail_in = static_cast<uInt>(piece.size());
        do {
            stream.next_out = static_cast<Bytef*>(static_cast<void*>(buffer.data()));
            stream.avail_out = static_cast<uInt>(buffer.size());
            if (deflate(&stream, flush) == Z_STREAM_ERROR) failed = true;
            const std::size_t size = buffer.size() - stream.avail_out;
            if (!failed && size != 0 && !sink({buffer.data(), size})) failed = true;
        } while (!failed && stream.avail_out == 0);
        return !failed;
    }
};

GzipSink::GzipSink(const TextSink& sink) : state_(new State{sink}) {
    state_->ready = deflateInit2(&state_->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED,
                                 gzip_window_bits, memory_level, Z_DEFAULT_STRATEGY) == Z_OK;
}

GzipSink::~GzipSink() {
    if (state_->ready) deflateEnd(&state_->stream);
}

bool GzipSink::write(std::string_view text) { return state_->run(text, Z_NO_FLUSH); }

bool GzipSink::finish() { return state_->run({}, Z_FINISH); }

}  // namespace fgread
