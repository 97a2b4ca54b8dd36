// What a PerfFile holds. Private to reader.cpp, open_recording.cpp, scan.cpp, stream_scan.cpp and
// ordered_reader.cpp.
#pragma once

#include <memory>
#include <vector>

#include "perfdata/event_table.h"
#include "perfdata/pipe_header.h"
#include "perfdata/reader.h"
#include "perfdata/record_hopper.h"
#include "perfdata/record_stream.h"
#include "perfdata/side_band.h"

namespace fgread {

struct PerfFile::State {
    explicit State(InputFile input) : file(std::move(input)) {}

    // A run of records. The first is in `file`; a directory has one more for each data.N.
    struct Part {
        const InputFile& file;
        std::uint64_t begin = 0;
        std::uint64_t end = 0;
    };
    [[nodiscard]] Part part(std::size_t index) const {
        if (index == 0) return {file, header.data.offset, data_end};
        return {more_files[index - 1], 0, more_files[index - 1].size()};
    }
    [[nodiscard]] std::size_t part_count() const { return 1 + more_files.size(); }

    InputFile file;
    std::vector<InputFile> more_files;  // data.N
    InputFile packed;                   // what `file` was unpacked from
    FileHeader header;
    Features features;
    EventTable events;
    std::uint64_t data_end = 0;

    // --- of recordings that come in batches: pipes, compressed ones ---
    bool streamed = false;
    std::size_t max_held = StreamOptions{}.max_held;
    std::unique_ptr<ByteSource> source;  // of what is no file: a pipe, or unpacked records
    std::vector<RecordBlock> first;      // read ahead to find the header of a pipe
    std::unique_ptr<RecordBlocks> blocks;
    PipeHeader pipe_header;
    StreamBatch batch;  // the memory of the chunks that were given out last
    std::uint64_t pipe_bytes = 0;
    std::unique_ptr<RecordStream> stream;  // uses what stands above
    std::size_t streamed_part = 0;
    std::uint64_t bytes_of_earlier_parts = 0;  // as they were read
    bool side_band_known = false;              // of all parts
    bool ended = false;
    bool used_up = false;  // a pipe that was read

    // Opens the seekable recording in `file`: header, attrs, features.
    std::optional<Error> open_seekable(Diagnostics& diagnostics);
    // Opens the pipe-format recording in `source`, behind its header of 16 bytes.
    std::optional<Error> open_pipe(Endian endian, Diagnostics& diagnostics);

    // True if compressed records come before the first sample of a part, as in all that
    // perf record -z writes.
    [[nodiscard]] bool begins_compressed(std::size_t part) const;
    // Gives the build-id table to the images of a recording; best before the first is interned.
    void apply_build_ids(MappingTable& mappings) const;
    // What the header says of the file: is it closed, are its records and features there?
    [[nodiscard]] Coverage coverage_by_header() const;
    // Counts what made `hopper` stop, if it was not the end.
    void report_stop(const RecordHopper& hopper, const Part& part, Diagnostics& diagnostics) const;

    // Hops over the records of one part; false if they turn out to be compressed.
    bool scan_part(std::size_t part, Scan& scan, std::vector<TimedEvent>& timed,
                   Diagnostics& diagnostics, unsigned threads) const;
    [[nodiscard]] std::optional<Scan> scan_parts(Diagnostics& diagnostics, unsigned threads) const;
    std::optional<Scan> scan_files(Diagnostics& diagnostics, unsigned threads);
    void map_files();
    void unmap_files();
    [[nodiscard]] bool is_whole() const;
    // Starts reading batches; the first one comes with next_batch().
    void begin_stream(Scan& scan, Diagnostics& diagnostics);
    bool next_batch(Scan& scan, Diagnostics& diagnostics);

private:
    [[nodiscard]] RecordBlocks part_blocks(std::size_t part, std::uint64_t sequence) const;
    void collect_side_band(Scan& scan, Diagnostics& diagnostics);
    void apply(StreamBatch& taken, Scan& scan, Diagnostics& diagnostics);
    void report_stop(const RecordBlocks& read, Diagnostics& diagnostics) const;
    void add_coverage(const RecordBlocks& read, Coverage& coverage) const;
};

}  // namespace fgread
