// ZstdStream: what COMPRESSED and COMPRESSED2 records hold (perf record -z).
//
// The payloads of all of a data file's compressed records are one zstd stream: the recorder
// flushes after each record but never ends the frame, so that one decoder runs through the file.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "perfdata/byte_reader.h"

namespace fgread {

class ZstdStream {
public:
    ZstdStream();
    ~ZstdStream();
    ZstdStream(ZstdStream&&) noexcept;
    ZstdStream& operator=(ZstdStream&&) noexcept;

    // The next record's payload; its bytes must live until read() gives nothing more of it.
    void feed(ByteView payload);
    // Decodes into `out`; how many bytes, 0 when the payload is used up; nothing if it is damaged:
    // then nothing behind it can be decoded either, and error() says what is wrong.
    std::optional<std::size_t> read(std::span<std::byte> out);
    [[nodiscard]] const std::string& error() const { return error_; }

private:
    struct State;
    std::unique_ptr<State> state_;
    ByteView payload_;
    std::string error_;
};

}  // namespace fgread
