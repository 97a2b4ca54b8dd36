// InputFile: the bytes of a recording, by position. A regular file read with pread, so that
// threads share no position, a file that shrinks while it is read cannot kill the process (as it
// would through a mapping), and memory does not grow with the file. Or bytes already in memory.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "perfdata/byte_reader.h"
#include "perfdata/result.h"

namespace fgread {

class InputFile {
public:
    // Regular files only: a FIFO would block, a device may do anything. The sentence of an error
    // names the file, the reason and what to do.
    static Result<InputFile> open(const std::string& path);
    // `bytes` must outlive the InputFile; `name` stands for a path in messages.
    static InputFile in_memory(ByteView bytes, std::string name);

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] std::uint64_t size() const { return size_; }  // when it was opened

    // Fills `buffer` from `offset` on; how many bytes there were (fewer only at the end of the
    // file), or why the system refused. Thread-safe.
    Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> buffer) const;

    InputFile(InputFile&& other) noexcept;
    InputFile& operator=(InputFile&& other) noexcept;
    ~InputFile();

private:
    InputFile() = default;

    std::string path_;
    std::uint64_t size_ = 0;
    int descriptor_ = -1;  // -1: memory_ holds the bytes
    ByteView memory_;
};

}  // namespace fgread
