// PerfFile::open: what kind of thing a path names, and how its records are reached.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <system_error>

#include "perfdata/file_header.h"
#include "perfdata/format.h"
#include "perfdata/inflate.h"
#include "perfdata/perf_file_state.h"

namespace fgread {
namespace {

using namespace format;

// A packed file up to this size is unpacked once, into memory; beyond, its beginning and its
// features are kept and the records are unpacked again as they are read.
constexpr std::uint64_t max_unpacked_in_memory = std::uint64_t{32} << 20;
// A seekable recording that comes through a pipe: its build-ids stand at its end, so that no
// sample can be named before all of it is there.
constexpr std::uint64_t max_from_pipe = std::uint64_t{1} << 30;
// A pipe's header, and the processes that ran when it began, come before the first sample; tens of
// thousands of processes take some 10 MiB.
constexpr std::size_t max_first_blocks = 64;
// perf makes one file for each CPU at most.
constexpr std::size_t max_parts = 4096;
constexpr const char* standard_input = "standard input";

// Reads on until `bytes` has `wanted` ones; false at the end (or an error: then `bytes` is all
// that could be had, and `error` says why).
bool read_up_to(ByteSource& source, std::vector<std::byte>& bytes, std::uint64_t wanted,
                std::string& error) {
    // Small ones first: a recording of some KB needs no zeros of a MiB.
    constexpr std::size_t first_step = std::size_t{1} << 14, last_step = std::size_t{1} << 20;
    while (bytes.size() < wanted) {
        const std::size_t old = bytes.size();
        const std::size_t step = std::clamp(old, first_step, last_step);
        bytes.resize(old + static_cast<std::size_t>(std::min<std::uint64_t>(step, wanted - old)));
        const auto got = source.read(std::span(bytes).subspan(old));
        bytes.resize(old + (got ? *got : 0));
        if (!got) error = got.error().message;
        if (!got || *got == 0) return false;
    }
    return true;
}

// As read_up_to, without keeping anything. Returns how many bytes there were.
std::uint64_t skip_up_to(ByteSource& source, std::uint64_t count, std::string& error) {
    std::vector<std::byte> buffer(std::size_t{1} << 20);
    std::uint64_t done = 0;
    while (done < count) {
        const std::uint64_t wanted = std::min<std::uint64_t>(buffer.size(), count - done);
        const auto got = source.read(std::span(buffer).first(static_cast<std::size_t>(wanted)));
        if (!got) error = got.error().message;
        if (!got || *got == 0) break;
        done += *got;
    }
    return done;
}

void tell_cut(const std::string& error, std::uint64_t size, Diagnostics& diagnostics) {
    if (!error.empty()) diagnostics.add(Problem::compression_damaged, size, error);
}

// N of "data.N".
std::optional<std::uint32_t> part_number(std::string_view name) {
    constexpr std::string_view prefix = "data.";
    if (name.substr(0, prefix.size()) != prefix || name.size() == prefix.size()) return {};
    std::uint32_t number = 0;
    const auto [end, error] =
        std::from_chars(name.data() + prefix.size(), name.data() + name.size(), number);
    return error == std::errc() && end == name.data() + name.size() ? std::optional(number)
                                                                    : std::nullopt;
}

std::vector<std::uint32_t> parts_of_directory(const std::string& path) {
    std::vector<std::uint32_t> numbers;
    std::error_code error;
    for (std::filesystem::directory_iterator i(path, error), end; !error && i != end;
         i.increment(error)) {
        if (const auto number = part_number(i->path().filename().native())) {
            if (numbers.size() < max_parts) numbers.push_back(*number);
        }
    }
    std::sort(numbers.begin(), numbers.end());
    return numbers;
}

bool begins_with_sample(const RecordView& record) {
    return record.type == record_sample || record.type == record_finished_round;
}

bool has_sample(const RecordBlock& block, Endian endian) {
    RecordCursor cursor(block.bytes(), block.offset, block.first_sequence, endian);
    while (const auto record = cursor.next()) {
        if (begins_with_sample(*record)) return true;
    }
    return false;
}

}  // namespace

Result<PerfFile> PerfFile::open(const std::string& path, Diagnostics& diagnostics) {
    struct stat status = {};
    if (path == "-") {
        if (::isatty(STDIN_FILENO) == 1) {
            return Error{ErrorKind::io,
                         "standard input is a terminal; pipe a recording into it: perf record "
                         "--call-graph dwarf -o - COMMAND | fgread -"};
        }
        if (::fstat(STDIN_FILENO, &status) == 0 && S_ISREG(status.st_mode)) {
            auto file = InputFile::open_standard_input();
            if (!file) return file.error();
            return open_input(std::move(file).value(), diagnostics);
        }
        return open_pipe(pipe_source(STDIN_FILENO, standard_input), standard_input, diagnostics);
    }
    const bool known = ::stat(path.c_str(), &status) == 0;
    if (known && S_ISDIR(status.st_mode)) return open_directory(path, diagnostics);
    if (known && S_ISFIFO(status.st_mode)) {
        const int descriptor = ::open(path.c_str(), O_RDONLY | O_NOCTTY | O_CLOEXEC);
        if (descriptor < 0) {
            return Error{ErrorKind::io, fmt::format("{}: cannot open: {}", path,
                                                    std::system_category().message(errno))};
        }
        return open_pipe(pipe_source(descriptor, path), path, diagnostics);
    }
    auto file = InputFile::open(path);
    if (!file) return file.error();
    return open_input(std::move(file).value(), diagnostics);
}

Result<PerfFile> PerfFile::open_memory(ByteView bytes, std::string name, Diagnostics& diagnostics) {
    return open_input(InputFile::in_memory(bytes, std::move(name)), diagnostics);
}

Result<PerfFile> PerfFile::open_input(InputFile file, Diagnostics& diagnostics) {
    std::vector<std::byte> first(recognised_bytes);
    const auto got = file.read_at(0, first);
    if (!got) return got.error();
    first.resize(*got);
    if (wrapping_of(first) != Wrapping::none) return open_packed(std::move(file), diagnostics);

    auto state = std::make_unique<State>(std::move(file));
    const Container container = recognise(first);
    std::optional<Error> error;
    if (container.kind == Container::Kind::pipe) {
        state->source = file_range(state->file, pipe_header_size, state->file.size());
        error = state->open_pipe(container.endian, diagnostics);
    } else {
        error = state->open_seekable(diagnostics);
        state->streamed = !error && state->begins_compressed(0);
    }
    if (error) return *error;
    return PerfFile(std::move(state));
}

// Twice unpacked: once for the header and the features, once for the records.
Result<PerfFile> PerfFile::open_packed(InputFile packed, Diagnostics& diagnostics) {
    std::vector<std::byte> magic(recognised_bytes);
    const auto got = packed.read_at(0, magic);
    const Wrapping wrapping = wrapping_of(ByteView(magic).first(got ? *got : 0));
    auto state = std::make_unique<State>(InputFile());
    state->packed = std::move(packed);
    const std::string name = state->packed.path();
    const auto unpacked = [&] {
        return unpack(file_range(state->packed, 0, state->packed.size()), wrapping, name);
    };
    auto source = unpacked();
    std::vector<std::byte> begin;
    std::string error;
    read_up_to(*source, begin, recognised_bytes, error);
    const Container container = recognise(begin);
    if (container.kind == Container::Kind::pipe) {
        state->file = InputFile::of_pieces({}, 0, name);
        state->source =
            put_back({begin.begin() + pipe_header_size, begin.end()}, std::move(source));
        if (auto failure = state->open_pipe(container.endian, diagnostics)) return *failure;
        return PerfFile(std::move(state));
    }
    const bool large = read_up_to(*source, begin, max_unpacked_in_memory, error);
    std::vector<InputFile::Piece> pieces;
    std::uint64_t size = begin.size();
    pieces.push_back({0, std::move(begin)});
    if (large) {
        Diagnostics ignored;  // of a file without its end
        const InputFile prefix = InputFile::in_memory(pieces[0].bytes, name);
        const auto header = read_file_header(prefix, ignored);
        if (!header) return header.error();
        const FileSection& data = header->data;
        const std::uint64_t end = data.size == 0 || data.size > UINT64_MAX - data.offset
                                      ? UINT64_MAX
                                      : data.offset + data.size;
        if (end > size) {
            size += skip_up_to(*source, end - size, error);
            pieces[0].bytes.resize(static_cast<std::size_t>(data.offset));
            pieces[0].bytes.shrink_to_fit();
        }
        // The features, which follow the records.
        InputFile::Piece tail{size, {}};
        if (error.empty() && read_up_to(*source, tail.bytes, max_unpacked_in_memory, error)) {
            size += skip_up_to(*source, UINT64_MAX, error);
        }
        size += tail.bytes.size();
        pieces.push_back(std::move(tail));
    }
    state->file = InputFile::of_pieces(std::move(pieces), size, name);
    tell_cut(error, size, diagnostics);
    if (auto failure = state->open_seekable(diagnostics)) return *failure;
    state->streamed = large || state->begins_compressed(0);
    if (large) {
        auto records = unpacked();
        const auto skipped = skip_bytes(*records, state->header.data.offset);
        if (!skipped) return skipped.error();
        state->source = limited(std::move(records), state->data_end - state->header.data.offset);
    } else {
        state->packed = {};
    }
    return PerfFile(std::move(state));
}

Result<PerfFile> PerfFile::open_pipe(std::unique_ptr<ByteSource> source, std::string name,
                                     Diagnostics& diagnostics) {
    std::vector<std::byte> begin;
    std::string error;
    read_up_to(*source, begin, recognised_bytes, error);
    if (!error.empty() && begin.empty()) return Error{ErrorKind::io, error};
    if (const Wrapping wrapping = wrapping_of(begin); wrapping != Wrapping::none) {
        source = unpack(put_back(std::move(begin), std::move(source)), wrapping, name);
        begin = {};
        read_up_to(*source, begin, recognised_bytes, error);
    }
    const Container container = recognise(begin);
    if (container.kind == Container::Kind::pipe) {
        auto state = std::make_unique<State>(InputFile::of_pieces({}, 0, std::move(name)));
        state->source =
            put_back({begin.begin() + pipe_header_size, begin.end()}, std::move(source));
        if (auto failure = state->open_pipe(container.endian, diagnostics)) return *failure;
        return PerfFile(std::move(state));
    }
    const bool seekable = container.kind == Container::Kind::seekable;
    if (seekable && read_up_to(*source, begin, max_from_pipe, error)) {
        return Error{ErrorKind::unsupported,
                     fmt::format("{}: a recording of more than 1 GiB that needs its end first; "
                                 "save it to a file, or record with perf record -o -",
                                 name)};
    }
    tell_cut(error, begin.size(), diagnostics);
    const std::uint64_t size = begin.size();
    std::vector<InputFile::Piece> pieces;
    pieces.push_back({0, std::move(begin)});
    return open_input(InputFile::of_pieces(std::move(pieces), size, std::move(name)), diagnostics);
}

Result<PerfFile> PerfFile::open_directory(const std::string& path, Diagnostics& diagnostics) {
    struct stat status = {};
    if (::stat((path + "/data").c_str(), &status) != 0) {
        return Error{ErrorKind::io,
                     fmt::format("{}: is a directory without a recording in it (perf record "
                                 "--threads makes one with a file \"data\"); name the file, as in "
                                 "{}/perf.data",
                                 path, path)};
    }
    auto file = InputFile::open_in(path, "data");
    if (!file) return file.error();
    auto state = std::make_unique<State>(std::move(file).value());
    if (auto error = state->open_seekable(diagnostics)) return *error;
    for (const std::uint32_t number : parts_of_directory(path)) {
        auto part = InputFile::open_in(path, fmt::format("data.{}", number));
        if (part) {
            state->more_files.push_back(std::move(part).value());
        } else {
            diagnostics.add(Problem::file_truncated, 0, part.error().message);
        }
    }
    for (std::size_t i = 0; i < state->part_count() && !state->streamed; ++i) {
        state->streamed = state->begins_compressed(i);
    }
    return PerfFile(std::move(state));
}

std::optional<Error> PerfFile::State::open_seekable(Diagnostics& diagnostics) {
    auto read = read_file_header(file, diagnostics);
    if (!read) return read.error();
    header = *read;
    const std::uint64_t room = file.size() - header.data.offset;
    data_end =
        header.data.offset + (header.data.size == 0 ? room : std::min(header.data.size, room));
    auto attrs = read_attrs(file, header, diagnostics);
    if (!attrs) return attrs.error();
    features = read_features(file, header, diagnostics);
    name_events(features.events, *attrs);
    for (EventAttr& attr : *attrs) events.add(std::move(attr));
    return std::nullopt;
}

std::optional<Error> PerfFile::State::open_pipe(Endian endian, Diagnostics& diagnostics) {
    header.endian = endian;
    header.size = pipe_header_size;
    header.data.offset = pipe_header_size;
    streamed = true;
    blocks = std::make_unique<RecordBlocks>(std::move(source), pipe_header_size, 0, endian, true);
    bool sampled = false;
    while (!sampled && first.size() < max_first_blocks) {
        auto block = blocks->next();
        if (!block) break;
        RecordCursor cursor(block->bytes(), block->offset, block->first_sequence, endian);
        while (const auto record = cursor.next()) {
            pipe_header.apply(*record, events, features, nullptr, diagnostics);
        }
        sampled = has_sample(*block, endian);
        first.push_back(std::move(*block));
    }
    if (events.size() == 0) {
        return Error{ErrorKind::damaged,
                     fmt::format("{}: a stream of perf record -o - that describes no event before "
                                 "offset {}: its beginning was lost or damaged",
                                 file.path(), blocks->stop_offset())};
    }
    pipe_header.name_events(features, events);
    return std::nullopt;
}

bool PerfFile::State::begins_compressed(std::size_t index) const {
    // The feature alone proves nothing: a tool that rewrites recordings may have decompressed this
    // one; and a recording that was not closed has no features.
    if (!features.compressed && header.data.size != 0) return false;
    const Part records = part(index);
    RecordHopper hopper(records.file, records.begin, records.end, header.endian);
    while (const auto record = hopper.next()) {
        if (record->type == record_compressed || record->type == record_compressed2) return true;
        if (record->type == record_sample) return false;
    }
    return false;
}

}  // namespace fgread
