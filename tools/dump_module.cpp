#include "tools/dump_module.h"

#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace fgread::tools {

Result<std::string> absolute_path(const std::string& path) {
    const std::unique_ptr<char, decltype(&std::free)> real(realpath(path.c_str(), nullptr),
                                                           &std::free);
    if (real) return std::string(real.get());
    return Error{ErrorKind::io, fmt::format("{}: {}", path, std::strerror(errno))};
}

Result<ElfImage> open_module(const std::string& path) {
    const Result<std::string> absolute = absolute_path(path);
    if (!absolute) return absolute.error();
    OpenFailure failure = OpenFailure::missing;
    std::optional<RegularFile> file = RegularFile::open(*absolute, "", failure);
    if (!file) {
        const int error = errno;
        return Error{ErrorKind::io,
                     fmt::format("{}: {}", path,
                                 failure == OpenFailure::not_regular ? "not a regular file"
                                                                     : unreadable_text(error))};
    }
    std::string fault;
    std::optional<ElfImage> image = ElfImage::read(std::move(*file), &fault);
    if (!image) return Error{ErrorKind::not_perf_data, fmt::format("{}: {}", path, fault)};
    return std::move(*image);
}

std::optional<std::uint64_t> parse_address(std::string_view text) {
    if (text.starts_with("0x") || text.starts_with("0X")) text.remove_prefix(2);
    std::uint64_t value = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value, 16);
    if (error != std::errc{} || stop != end) return std::nullopt;
    return value;
}

bool add_address(std::string_view text, std::vector<std::uint64_t>& addresses) {
    const std::optional<std::uint64_t> address = parse_address(text);
    if (address) addresses.push_back(*address);
    return address.has_value();
}

bool read_addresses(std::FILE* input, std::vector<std::uint64_t>& addresses) {
    LineReader lines(input);
    while (const std::optional<std::string_view> line = lines.next()) {
        if (!add_address(*line, addresses)) return false;
    }
    return true;
}

LineReader::~LineReader() { std::free(line_); }

std::optional<std::string_view> LineReader::next() {
    const ssize_t length = getline(&line_, &capacity_, input_);
    if (length < 0) return std::nullopt;
    std::string_view line(line_, static_cast<std::size_t>(length));
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
    return line;
}

}  // namespace fgread::tools
