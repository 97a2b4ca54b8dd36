#include "tools/stack_input.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
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

std::string shown(const std::string& path) { return path == "-" ? "standard input" : path; }

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

struct Lookalike {
    std::string_view begin;
    const char* what;  // behind the file's name
};

// Of text only what no function's name begins with: Rust has `<svg::Node as Draw>::draw`.
constexpr Lookalike lookalikes[] = {
    {"\x1f\x8b",
     "is packed by gzip: unpack folded text with zcat first; of a recording, fgread unpacks it"},
    {"\x28\xb5\x2f\xfd",
     "is packed by zstd: unpack folded text with zstdcat first; of a recording, fgread unpacks it"},
    {"\xfd"
     "7zXZ",
     "is packed by xz: unpack folded text with xzcat first; of a recording, fgread unpacks it"},
    {"<?xml",
     "is a finished picture (SVG): give the folded text or the recording that it was drawn from"},
    {"<svg xmlns",
     "is a finished picture (SVG): give the folded text or the recording that it was drawn from"},
    {"<!DOCTYPE html",
     "is a finished page (HTML): give the folded text or the recording that it was drawn from"},
};

const char* what_instead(std::string_view begin) {
    const auto* found =
        std::find_if(std::begin(lookalikes), std::end(lookalikes),
                     [&](const Lookalike& each) { return begin.starts_with(each.begin); });
    return found == std::end(lookalikes) ? nullptr : found->what;
}

std::string_view take_line(std::string_view& text) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return line;
}

// "sw 20986 5.512:  2004008 cpu-clock: ", and a frame in each line below that begins with blanks;
// before it may stand perf's own header, behind '#'.
bool is_perf_script(std::string_view text) {
    std::string_view line = take_line(text);
    while (!text.empty() && (line.empty() || line.starts_with('#'))) line = take_line(text);
    const std::size_t last = line.find_last_not_of(' ');
    if (last == std::string_view::npos || line[last] != ':') return false;
    return text.starts_with('\t') || text.starts_with(' ');
}

// Of text that has no valid line.
std::string what_instead_of_stacks(std::string_view begin) {
    if (begin.empty()) {
        return "is empty: what was to write it has failed, or found no samples; see its messages";
    }
    if (is_perf_script(begin)) {
        return "looks like the text of perf script: give the recording itself, which perf script "
               "read (perf.data), or fold the text with stackcollapse-perf.pl";
    }
    return {};
}

constexpr const char* binaries_remedy =
    "a copy of the recorded machine's files can be given with --symfs DIR; fgread --archive FILE "
    "folds with what 'perf archive' packed there";

Result<StackInput> read_recording(const char* tool, const std::string& path,
                                  const FoldOptions& fold, FoldedReader& reader) {
    if (path == "-") {
        return Error{ErrorKind::unsupported,
                     "standard input: is a recording; give its file's name instead, or fold it: "
                     "fgread - | " +
                         std::string(tool)};
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
    return StackInput{reader.valid_lines(), reader.invalid_lines(), {}, std::move(unit)};
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
    const std::string_view begin(buffer.data(), static_cast<std::size_t>(size));
    if (const char* what = what_instead(begin)) {
        return Error{ErrorKind::not_perf_data, fmt::format("{}: {}", shown(path), what)};
    }
    if (is_recording(begin)) {
        FoldedOptions of_recording = options;
        of_recording.two_columns = false;
        FoldedReader reader(tree, of_recording);
        return read_recording(tool, path, fold, reader);
    }
    FoldedReader reader(tree, options);
    const std::string instead = what_instead_of_stacks(begin);
    while (size > 0) {
        reader.feed({buffer.data(), static_cast<std::size_t>(size)});
        size = file.read(buffer.data(), buffer.size());
        if (size < 0) return cannot_read(path);
    }
    reader.finish();
    return StackInput{reader.valid_lines(),
                      reader.invalid_lines(),
                      reader.valid_lines() == 0 ? instead : std::string(),
                      {}};
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
    if (!input.what_instead.empty()) {
        say(tool, fmt::format("{}: {}", shown(path), input.what_instead));
    } else if (input.invalid_lines != 0) {
        say(tool, fmt::format("{}: {} line{} with invalid format ignored", shown(path),
                              input.invalid_lines, input.invalid_lines == 1 ? "" : "s"));
    }
}

}  // namespace fgread::tools
