// InputFile: the bytes of a recording, by position. A regular file read with pread, so that
// threads share no position, a file that shrinks while it is read cannot kill the process, and
// memory does not grow with the file; also mapped, in programs that guard against the second. Or
// bytes already in memory, all of them or some pieces.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "perfdata/byte_reader.h"
#include "perfdata/mapped_file.h"
#include "perfdata/result.h"

namespace fgread {

class InputFile {
public:
    // Regular files only: a FIFO would block, a device may do anything. The sentence of an error
    // names the file, the reason and what to do.
    static Result<InputFile> open(const std::string& path);
    // The file `name` of a directory, itself and not what a link of that name leads to.
    static Result<InputFile> open_in(const std::string& directory, const std::string& name);
    // Standard input, where that is a regular file.
    static Result<InputFile> open_standard_input();
    // `bytes` must outlive the InputFile; `name` stands for a path in messages.
    static InputFile in_memory(ByteView bytes, std::string name);
    // Pieces of a file of `size` bytes, rising and apart; reading elsewhere gives nothing.
    struct Piece {
        std::uint64_t offset = 0;
        std::vector<std::byte> bytes;
    };
    static InputFile of_pieces(std::vector<Piece> pieces, std::uint64_t size, std::string name);
    InputFile() = default;  // empty

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] std::uint64_t size() const { return size_; }  // when it was opened

    // Fills `buffer` from `offset` on; how many bytes there were (fewer only at the end of the
    // file), or why the system refused. Thread-safe.
    Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> buffer) const;

    // Also maps the file, if it is one and the program is guarded: see MappedFile. Reading through
    // the mapping costs less than pread. Not thread-safe.
    void map();
    void unmap() { mapped_.reset(); }
    // Null: there is only read_at().
    [[nodiscard]] const MappedFile* mapped() const { return mapped_ ? &*mapped_ : nullptr; }

    InputFile(InputFile&& other) noexcept;
    InputFile& operator=(InputFile&& other) noexcept;
    ~InputFile();

private:
    static Result<InputFile> open_at(int directory, const std::string& name, std::string path,
                                     int flags);
    [[nodiscard]] ByteView memory_from(std::uint64_t offset) const;

    std::string path_;
    std::uint64_t size_ = 0;
    int descriptor_ = -1;  // -1: memory_ holds the bytes
    ByteView memory_;
    std::vector<Piece> pieces_;
    std::optional<MappedFile> mapped_;
};

}  // namespace fgread
