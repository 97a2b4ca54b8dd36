// GzipSink: what is written to it goes to a sink as one gzip file (RFC 1952).
#pragma once

#include <memory>
#include <string_view>

#include "render/text_sink.h"

namespace fgread {

// The same input gives the same bytes: neither time nor name is in the file. `sink` must outlive
// it.
class GzipSink {
public:
    explicit GzipSink(const TextSink& sink);
    ~GzipSink();
    GzipSink(const GzipSink&) = delete;
    GzipSink& operator=(const GzipSink&) = delete;

    // False once the sink wants no more, or memory is out.
    bool write(std::string_view text);
    // After the last write; without it the file is cut.
    bool finish();

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace fgread
