#include "tools/stack_input.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "collapse/writers/folded.h"
#include "tools/fold_messages.h"
#include "tools/output_format.h"
#include "tools/standard_streams.h"

namespace fgread::tools {

namespace {

constexpr std::size_t read_size = 1024 * 1024;

// A palette of 100,000 functions with long names has 30 MB.
constexpr std::size_t max_text_file = 256 * 1024 * 1024;

Error cannot_read(const std::string& path) {
    return {ErrorKind::io, fmt::format("{}: cannot be read: {}", path, std::strerror(errno))};
}

class OpenFile {
public:
    explicit OpenFile(const std::string& path)
        : fd_(path == "-" ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;
    ~OpenFile() {
        if (fd_ > STDERR_FILENO) close(fd_);
    }
    [[nodiscard]] bool is_open() const { return fd_ >= 0; }

    // Fills `buffer` as far as there is input. Less than asked for is the end; -1 an error.
    ssize_t read(char* buffer, std::size_t size) const {
        std::size_t have = 0;
        while (have < size) {
            const ssize_t got = ::read(fd_, buffer + have, size - have);
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) return -1;
            if (got == 0) break;
            have += static_cast<std::size_t>(got);
        }
        return static_cast<ssize_t>(have);
    }

private:
    int fd_;
};

bool is_recording(std::string_view begin) {
    return begin.starts_with("PERFILE2") || begin.starts_with("2ELIFREP");
}

constexpr const char* binaries_remedy =
    "a copy of the recorded machine's files can be given with --symfs DIR; fgread --archive FILE "
    "folds with what 'perf archive' packed there";

Result<StackInput> read_recording(const char* tool, const std::string& path,
                                  const FoldOptions& fold, FoldedReader& reader) {
    if (path == "-") {
        return Error{ErrorKind::unsupported,
                     "standard input: is a recording; give its file's name instead"};
    }
    std::optional<WeightUnit> unit;
    const TextSink sink = [&](std::string_view text) {
        reader.feed(text);
        return true;
    };
    const Result<FoldStats> stats = fold_recording(path, fold, [&](const FoldedProfile& folded) {
        write_folded(name_tree(folded), folded.names, sink);
        unit = weight_unit(folded);
    });
    if (!stats) return stats.error();
    for (const std::string& warning : warnings(*stats, binaries_remedy))
        say(tool, fmt::format("warning: {}: {}", path, warning));
    reader.finish();
    return StackInput{reader.valid_lines(), reader.invalid_lines(), std::move(unit)};
}

}  // namespace

Result<StackInput> read_stacks(const char* tool, const std::string& path,
                               const FoldedOptions& options, const FoldOptions& fold,
                               FrameTree& tree) {
    const OpenFile file(path);
    if (!file.is_open()) return cannot_read(path);
    std::vector<char> buffer(read_size);
    ssize_t size = file.read(buffer.data(), buffer.size());
    if (size < 0) return cannot_read(path);
    if (is_recording({buffer.data(), static_cast<std::size_t>(size)})) {
        FoldedOptions of_recording = options;
        of_recording.two_columns = false;
        FoldedReader reader(tree, of_recording);
        return read_recording(tool, path, fold, reader);
    }
    FoldedReader reader(tree, options);
    while (size > 0) {
        reader.feed({buffer.data(), static_cast<std::size_t>(size)});
        size = file.read(buffer.data(), buffer.size());
        if (size < 0) return cannot_read(path);
    }
    reader.finish();
    return StackInput{reader.valid_lines(), reader.invalid_lines(), {}};
}

void name_counts(const std::vector<StackInput>& inputs, PictureOptions& options) {
    const auto as_first = [&](const StackInput& input) {
        return input.unit && inputs.front().unit && input.unit->name == inputs.front().unit->name;
    };
    if (inputs.empty() || !std::all_of(inputs.begin(), inputs.end(), as_first)) return;
    name_counts(*inputs.front().unit, options);
}

Result<std::string> read_text_file(const std::string& path) {
    const OpenFile file(path);
    if (!file.is_open())
        return errno == ENOENT ? Result<std::string>(std::string()) : cannot_read(path);
    std::string text;
    std::vector<char> buffer(read_size);
    while (true) {
        const ssize_t size = file.read(buffer.data(), buffer.size());
        if (size < 0) return cannot_read(path);
        if (size == 0) return text;
        text.append(buffer.data(), static_cast<std::size_t>(size));
        if (text.size() > max_text_file) {
            return Error{ErrorKind::unsupported, fmt::format("{}: is too large", path)};
        }
    }
}

void say_invalid_lines(const char* tool, const std::string& path, const StackInput& input) {
    if (input.invalid_lines == 0) return;
    say(tool, fmt::format("{}: {} line{} with invalid format ignored",
                          path == "-" ? "standard input" : path, input.invalid_lines,
                          input.invalid_lines == 1 ? "" : "s"));
}

}  // namespace fgread::tools
