// OwnCode: the functions of a test program, found with libelf and nothing of fgread's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace truth {

struct Function {
    std::string name;                  // as in .symtab
    std::uint64_t start = 0, end = 0;  // SVMA
    bool own = false;                  // compiled with frame pointers: to be judged
    std::span<const std::uint8_t> code;
};

class OwnCode {
public:
    // The functions of `path`. Own are those whose symbol contains `own_name` (all if empty), but
    // never the start-up code that the C library links into each program.
    // Nothing if the file cannot be read.
    static std::optional<OwnCode> load(const std::string& path, const std::string& own_name);

    // SVMA of the byte at `file_offset` of an executable segment.
    [[nodiscard]] std::optional<std::uint64_t> svma_of_offset(std::uint64_t file_offset) const;
    // The function that covers `svma`, or null.
    [[nodiscard]] const Function* find(std::uint64_t svma) const;

private:
    struct Segment {
        std::uint64_t address, offset, size;
    };
    [[nodiscard]] std::span<const std::uint8_t> code_at(std::uint64_t svma,
                                                        std::uint64_t size) const;

    std::vector<std::uint8_t> image_;
    std::vector<Segment> segments_;
    std::vector<Function> functions_;  // by start
};

}  // namespace truth
