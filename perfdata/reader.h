// PerfFile: a recording, opened. Header, attrs, features, and the way to its records.
//
//   In order, one record at a time: OrderedReader (ordered_reader.h), the simple way.
//   In chunks, for tools that work in parallel. A file is read in two passes: scan() hops over all
//   record headers, applies the side-band in order and cuts the data section into record-aligned
//   chunks; each chunk is then read and decoded on its own, by any thread. What can only be read
//   once (a pipe) or is compressed comes in batches of chunks, each with the side-band it needs:
//
//      auto file = PerfFile::open("perf.data", diagnostics);
//      auto scan = file->scan(diagnostics);
//      do {
//          for (const Chunk& chunk : scan->chunks) {            // in any thread
//              auto bytes = file->read_chunk(chunk, buffer);
//              RecordCursor records = file->records(chunk, *bytes);
//              while (auto record = records.next()) { ... }     // file order; scan->processes
//          }                                                    // answers for any time
//      } while (file->next_batch(*scan, diagnostics));          // in one thread: nobody uses scan
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "perfdata/coverage.h"
#include "perfdata/diagnostics.h"
#include "perfdata/header.h"
#include "perfdata/input_file.h"
#include "perfdata/lost_events.h"
#include "perfdata/process_table.h"
#include "perfdata/record.h"
#include "perfdata/result.h"
#include "perfdata/sample.h"

namespace fgread {

class ByteSource;

// A run of whole records of the data section, half a MiB of samples (PieceFill).
struct Chunk {
    std::uint64_t offset = 0;  // in the file; of a compressed one, where it would be without that
    std::uint64_t size = 0;    // bytes
    std::uint64_t first_sequence = 0;  // sequence number of its first record
    std::uint32_t part = 0;            // of a directory: 0 its "data", n + 1 its "data.n"
    ByteView bytes;                    // of a batch: it is in memory already
};

// Of the whole recording, or of the batches so far.
struct Scan {
    ProcessTable processes;     // complete up to the records in chunks, applied in order
    std::vector<Chunk> chunks;  // in file order, together all records before any damage
    std::uint64_t record_count = 0;
    std::uint64_t sample_count = 0;
    LostEvents lost;
    Coverage coverage;
    // Bytes of the file that were read for the batches so far. 0 where that says nothing: of a
    // pipe, of a file packed as a whole, of one that does not come in batches.
    std::uint64_t input_bytes = 0;
    // Index = type; format.h's known_type_limit holds all types from there on.
    std::vector<std::uint64_t> records_by_type;
};

// Records of a piece of memory, in order. A view lives as long as the memory. `file_offset` and
// `first_sequence` are those of the first record.
class RecordCursor {
public:
    RecordCursor(ByteView bytes, std::uint64_t file_offset, std::uint64_t first_sequence,
                 Endian endian);
    // The next record; nothing at the end or at a record of impossible size (then damaged()).
    std::optional<RecordView> next();
    [[nodiscard]] bool damaged() const;
    // The memory that next() will look at next, at most so many bytes.
    [[nodiscard]] ByteView ahead(std::size_t bytes) const;

private:
    ByteView bytes_;
    std::size_t position_ = 0;
    std::uint64_t file_offset_;
    std::uint64_t sequence_;
    Endian endian_;
    bool damaged_ = false;
};

// Const calls are safe from several threads at once.
class PerfFile {
public:
    // Opens, reads header, attrs and features. `path` is a file, one packed by gzip, xz or zstd, a
    // FIFO, the directory that perf record --threads makes, or "-" for standard input. What can be
    // read around (a missing end, a bad feature) is counted; what cannot is the error: no such
    // file, no permission, not a recording, cut inside its header. From a pipe it reads (and waits
    // for) what comes before the first sample. A packed file whose features stand at its end is
    // unpacked twice, or kept in memory up to 32 MiB; one from a pipe must be kept, up to 1 GiB.
    static Result<PerfFile> open(const std::string& path, Diagnostics& diagnostics);
    // The same from bytes in memory, which must outlive the PerfFile; `name` stands for the path.
    static Result<PerfFile> open_memory(ByteView bytes, std::string name, Diagnostics& diagnostics);

    [[nodiscard]] const std::string& path() const;
    // Bytes; of a pipe what was read so far.
    [[nodiscard]] std::uint64_t file_size() const;
    [[nodiscard]] const FileHeader& header() const;
    [[nodiscard]] const Features& features() const;
    [[nodiscard]] const std::vector<EventAttr>& attrs() const;  // at least one, all with names

    // True of a pipe and of compressed recordings: scan() gives no more than the first batch.
    [[nodiscard]] bool comes_in_batches() const;
    // Where the records end: the data section, or the end of a file that was cut or not closed.
    [[nodiscard]] std::uint64_t data_end() const;
    // Makes what a stream reads ahead smaller, for a process that is to stay below `bytes`: 48 MiB
    // otherwise, an eighth of `bytes` at the most, never less than a few MiB. Before scan().
    void limit_read_ahead(std::uint64_t bytes);
    // False if the events carry no times: then event_time() is the order of the file.
    [[nodiscard]] bool has_times() const;

    // The attr (index into attrs()) a SAMPLE belongs to, by its id; nothing if the id is unknown.
    // About 10 ns; a recording of one event needs no look-up.
    [[nodiscard]] std::optional<std::size_t> attr_of_sample(const RecordView& sample) const;
    // The attr that has this id; nothing if none has.
    [[nodiscard]] std::optional<std::size_t> attr_of_id(std::uint64_t id) const;
    [[nodiscard]] const SampleLayout& layout(std::size_t attr_index) const;  // < attrs().size()
    // The sample decoded by the layout of its attr; what is wrong with one that cannot be is
    // counted (record_unknown_id, sample_malformed).
    struct AttrSample {
        std::size_t attr_index = 0;
        SampleView sample;
    };
    [[nodiscard]] std::optional<AttrSample> decode_sample(const RecordView& record,
                                                          Diagnostics& diagnostics) const;
    // Where a record stands in the total order. Time 0 (sorts first) for records that perf itself
    // wrote, and for those whose time is missing, 0 or ~0.
    [[nodiscard]] EventTime event_time(const RecordView& record) const;
    // Process and thread of a record of the kernel that is not a SAMPLE, as its sample_id trailer
    // says; nothing if it has none.
    [[nodiscard]] std::optional<SampleLayout::Key> trailer_key(const RecordView& record) const;

    // First pass. Reads only headers and side-band: one small read for each large record, about
    // 0.05 s per GB of DWARF recording, and 48 bytes of memory for each side-band record.
    // An error only if the file cannot be read at all; damage ends the scan, is counted, and what
    // lies before it is in the result. Of a pipe or a compressed recording, the first batch: what
    // is read ahead, by a thread of its own, takes some 100 MiB at the most. A pipe can be scanned
    // only once. `threads`: with more than one, up to three share the headers of a large
    // file.
    Result<Scan> scan(Diagnostics& diagnostics, unsigned threads = 1) const;
    // The next batch into `scan`, whose processes, mappings and counts grow; its chunks, and the
    // bytes of the last ones, are replaced. False if there is no more: always, for a file. Nobody
    // may use `scan` or this object meanwhile. The attrs may grow (a pipe says when it likes).
    bool next_batch(Scan& scan, Diagnostics& diagnostics) const;
    // Second pass: the bytes of a chunk into `buffer` (resized as needed; keep it between calls).
    // Shorter than asked if the file shrank. Thread-safe: pread, no shared position.
    Result<ByteView> read_chunk(const Chunk& chunk, std::vector<std::byte>& buffer) const;
    // The same without a copy, from the mapping of the first pass; nothing if there is none, or it
    // has lost pages. Whoever has read it asks leave_mapped_chunk() whether all of it was there: if
    // not, what was read is worth nothing, and read_chunk() has what is left. Thread-safe.
    [[nodiscard]] std::optional<ByteView> mapped_chunk(const Chunk& chunk) const;
    [[nodiscard]] bool leave_mapped_chunk(const Chunk& chunk) const;
    // All chunks were read: gives back what the last ones still take of memory, up to 20 MiB.
    void leave_all_chunks() const;
    [[nodiscard]] RecordCursor records(const Chunk& chunk, ByteView bytes) const;

    ~PerfFile();
    PerfFile(PerfFile&&) noexcept;
    PerfFile& operator=(PerfFile&&) noexcept;

private:
    friend class OrderedReader;
    struct State;
    explicit PerfFile(std::unique_ptr<State> state);
    static Result<PerfFile> open_input(InputFile file, Diagnostics& diagnostics);
    static Result<PerfFile> open_packed(InputFile packed, Diagnostics& diagnostics);
    static Result<PerfFile> open_pipe(std::unique_ptr<ByteSource> source, std::string name,
                                      Diagnostics& diagnostics);
    static Result<PerfFile> open_directory(const std::string& path, Diagnostics& diagnostics);
    std::unique_ptr<State> state_;
};

}  // namespace fgread
