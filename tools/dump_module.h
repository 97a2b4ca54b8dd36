// An ELF file named on the command line of fgdump, and addresses in it.
#pragma once

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "perfdata/result.h"
#include "symbols/elf_image.h"

namespace fgread::tools {

// `path` may be relative, and may be a link.
Result<std::string> absolute_path(const std::string& path);

Result<ElfImage> open_module(const std::string& path);

// An address in hexadecimal, with or without "0x".
std::optional<std::uint64_t> parse_address(std::string_view text);

// Appends the address, or all addresses of the lines of `input`; false if one is none.
bool add_address(std::string_view text, std::vector<std::uint64_t>& addresses);
bool read_addresses(std::FILE* input, std::vector<std::uint64_t>& addresses);

// The lines of a stream, each as long as it likes.
class LineReader {
public:
    explicit LineReader(std::FILE* input) : input_(input) {}
    ~LineReader();
    LineReader(const LineReader&) = delete;
    LineReader& operator=(const LineReader&) = delete;

    // The next line without its end; valid until the next call.
    std::optional<std::string_view> next();

private:
    std::FILE* input_;
    char* line_ = nullptr;
    std::size_t capacity_ = 0;
};

}  // namespace fgread::tools
