// PerfDataWriter: puts records of one event into a seekable perf.data file.
//
// Layout: tools/perf/Documentation/perf.data-file-format.txt. Written in the order header, ids,
// attr, data, features; the header is completed by finish(), so a file without finish() looks like
// one whose recorder was killed.
#pragma once

#include <linux/perf_event.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace truth {

// Everything the file says about itself besides the records.
struct RecordingInfo {
    perf_event_attr attr{};
    std::string event_name;
    std::vector<std::uint64_t> ids;  // one a CPU
    std::vector<std::string> command_line;
};

class PerfDataWriter {
public:
    // Creates `path`; false (errno tells why) if that or any later write failed: see ok().
    PerfDataWriter(const std::string& path, RecordingInfo info);

    // Appends whole records.
    void append(const void* bytes, std::size_t size);
    // PERF_RECORD_FINISHED_ROUND: all rings were drained once since the last one.
    void append_finished_round();
    // Writes the features and completes the header. False if anything was not written.
    bool finish();

    [[nodiscard]] bool ok() const { return file_ && !failed_; }
    [[nodiscard]] std::uint64_t data_size() const { return data_size_; }

private:
    struct Close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    void put(const void* bytes, std::size_t size);
    [[nodiscard]] std::vector<std::byte> header(bool finished) const;
    [[nodiscard]] std::uint64_t data_offset() const;

    std::unique_ptr<std::FILE, Close> file_;
    RecordingInfo info_;
    std::uint64_t data_size_ = 0;
    bool failed_ = false;
};

}  // namespace truth
