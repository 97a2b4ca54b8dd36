// ByteSource: bytes that come once, in order: a pipe, a part of a file, what a decompressor makes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "perfdata/byte_reader.h"
#include "perfdata/input_file.h"
#include "perfdata/result.h"

namespace fgread {

// For one thread, except for cancel().
class ByteSource {
public:
    virtual ~ByteSource() = default;
    // At least one byte into `buffer` (which is not empty), waiting for it; 0 at the end. An error
    // is final.
    virtual Result<std::size_t> read(std::span<std::byte> buffer) = 0;
    // Makes a read() that waits, and all later ones, return 0. From any thread.
    virtual void cancel() {}
};

// Fills `buffer`; how many bytes there were, fewer only at the end.
Result<std::size_t> read_fully(ByteSource& source, std::span<std::byte> buffer);
// Reads and forgets up to `count` bytes; how many there were.
Result<std::uint64_t> skip_bytes(ByteSource& source, std::uint64_t count);

// [begin, end) of a file, which must outlive the source.
std::unique_ptr<ByteSource> file_range(const InputFile& file, std::uint64_t begin,
                                       std::uint64_t end);
// A pipe, FIFO or socket; closed with the source unless it is standard input. `name` stands for a
// path in messages.
std::unique_ptr<ByteSource> pipe_source(int descriptor, std::string name);
// The first `size` bytes of `source`.
std::unique_ptr<ByteSource> limited(std::unique_ptr<ByteSource> source, std::uint64_t size);
// `bytes` first, then what `rest` has.
std::unique_ptr<ByteSource> put_back(std::vector<std::byte> bytes,
                                     std::unique_ptr<ByteSource> rest);

}  // namespace fgread
