// truth_cut: a recording as it would have been with smaller stack dumps. Registers and everything
// else stay, so that what is made of the cut stacks can be held against the walks of the whole
// ones.
//
//   truth_cut RECORDING OUTPUT BYTES
//
// RECORDING: a seekable perf.data of this machine's byte order, not compressed; BYTES: a multiple
// of 8, as in `perf record --call-graph dwarf,BYTES`. Layouts: linux/perf_event.h and
// tools/perf/Documentation/perf.data-file-format.txt.

#include <fmt/format.h>
#include <linux/perf_event.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "perfdata/reader.h"

namespace {

using namespace fgread;
using Bytes = std::vector<char>;

constexpr std::size_t data_size_at = 48;  // of perf_file_header: data.size

template <class T>
T load(const Bytes& from, std::size_t at) {
    T value{};
    std::memcpy(&value, from.data() + at, sizeof value);
    return value;
}

template <class T>
void store(Bytes& into, std::size_t at, T value) {
    std::memcpy(into.data() + at, &value, sizeof value);
}

// Copies a SAMPLE to `out`: of its stack, `limit` bytes at most.
void put_cut(const SampleView& sample, const Bytes& record, std::size_t stack_at,
             std::uint64_t limit, Bytes& out) {
    const std::uint64_t asked = sample.user_stack_requested;
    const std::uint64_t kept = std::min(asked, limit);
    const std::uint64_t copied = std::min<std::uint64_t>(sample.user_stack.size(), kept);
    const std::size_t begin = out.size();
    const auto stack = record.begin() + static_cast<std::ptrdiff_t>(stack_at);
    out.insert(out.end(), record.begin(), stack + static_cast<std::ptrdiff_t>(kept));
    store(out, begin + stack_at - sizeof asked, kept);
    const auto* word = reinterpret_cast<const char*>(&copied);
    out.insert(out.end(), word, word + sizeof copied);
    out.insert(out.end(), stack + static_cast<std::ptrdiff_t>(asked + sizeof copied), record.end());
    store(out, begin + offsetof(perf_event_header, size),
          static_cast<std::uint16_t>(out.size() - begin));
}

// The records of the data section, with smaller dumps.
Result<Bytes> cut_records(const PerfFile& file, const Scan& scan, std::uint64_t limit) {
    Bytes out;
    std::vector<std::byte> buffer;
    for (const Chunk& chunk : scan.chunks) {
        const auto bytes = file.read_chunk(chunk, buffer);
        if (!bytes) return bytes.error();
        RecordCursor records = file.records(chunk, *bytes);
        while (const auto record = records.next()) {
            const auto* body = reinterpret_cast<const char*>(record->body.data());
            const Bytes whole(body - sizeof(perf_event_header), body + record->body.size());
            const auto attr = record->type == PERF_RECORD_SAMPLE ? file.attr_of_sample(*record)
                                                                 : std::optional<std::size_t>();
            const auto sample = attr ? file.layout(*attr).decode(*record) : std::nullopt;
            if (!sample || sample->user_stack_requested == 0 || sample->user_stack.empty()) {
                out.insert(out.end(), whole.begin(), whole.end());
                continue;
            }
            const auto at = reinterpret_cast<const char*>(sample->user_stack.data()) - body;
            put_cut(*sample, whole, static_cast<std::size_t>(at) + sizeof(perf_event_header), limit,
                    out);
        }
    }
    return out;
}

int run(const std::string& from, const std::string& to, std::uint64_t limit) {
    Diagnostics diagnostics;
    const auto file = PerfFile::open(from, diagnostics);
    if (!file) {
        fmt::print(stderr, "truth_cut: {}\n", file.error().message);
        return 1;
    }
    auto scan = file->scan(diagnostics);
    const FileHeader& header = file->header();
    if (!scan || diagnostics.input_damaged() || file->comes_in_batches() || header.data.size == 0) {
        fmt::print(stderr, "truth_cut: {}: damaged, compressed or not finished\n", from);
        return 1;
    }
    auto records = cut_records(*file, *scan, limit);
    if (!records) {
        fmt::print(stderr, "truth_cut: {}\n", records.error().message);
        return 1;
    }
    std::ifstream in(from, std::ios::binary);
    Bytes head(header.data.offset);
    in.read(head.data(), static_cast<std::streamsize>(head.size()));
    in.seekg(static_cast<std::streamoff>(header.data.offset + header.data.size));
    Bytes tail((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());

    store<std::uint64_t>(head, data_size_at, records->size());
    for (std::uint64_t at = 0; at < header.attrs.size; at += header.attr_size) {
        const std::size_t field =
            header.attrs.offset + at + offsetof(perf_event_attr, sample_stack_user);
        if (field + sizeof(std::uint32_t) > head.size()) return 1;
        const auto asked = load<std::uint32_t>(head, field);
        store(head, field, static_cast<std::uint32_t>(std::min<std::uint64_t>(asked, limit)));
    }
    // Behind the data stands a table of the features: (offset, size) of each.
    std::size_t features = 0;
    for (unsigned bit = 0; bit < 256; ++bit) features += header.has_feature(bit) ? 1 : 0;
    const std::uint64_t shift = header.data.size - records->size();
    for (std::size_t i = 0; i < features && (i + 1) * sizeof(FileSection) <= tail.size(); ++i) {
        const std::size_t at = i * sizeof(FileSection);
        store(tail, at, load<std::uint64_t>(tail, at) - shift);
    }

    std::ofstream out(to, std::ios::binary);
    for (const Bytes* part : {&head, &*records, &tail}) {
        out.write(part->data(), static_cast<std::streamsize>(part->size()));
    }
    out.close();
    if (out) return 0;
    fmt::print(stderr, "truth_cut: cannot write {}\n", to);
    return 1;
}

}  // namespace

int main(int argc, char** argv) {
    const unsigned long limit = argc == 4 ? std::strtoul(argv[3], nullptr, 10) : 0;
    if (limit == 0 || limit % 8 != 0) {
        fmt::print(stderr, "usage: truth_cut RECORDING OUTPUT BYTES\n");
        return 2;
    }
    return run(argv[1], argv[2], limit);
}
