#include "tools/dump_records.h"

#include <optional>
#include <vector>

#include "perfdata/format.h"
#include "perfdata/reader.h"
#include "tools/dump_head.h"
#include "tools/record_text.h"

namespace fgread::tools {

namespace {

const char* mode_name(CpuMode mode) {
    switch (mode) {
        case CpuMode::kernel:
            return "kernel";
        case CpuMode::user:
            return "user";
        case CpuMode::hypervisor:
            return "hypervisor";
        case CpuMode::guest_kernel:
            return "guest-kernel";
        case CpuMode::guest_user:
            return "guest-user";
        case CpuMode::unknown:
            break;
    }
    return "-";
}

// Records that perf itself writes have no time, nor has any record of a recording without times.
std::string time_text(const PerfFile& file, const RecordView& record) {
    if (record.type >= format::record_first_of_tool || !file.has_times()) return "-";
    return fmt::format("{}", file.event_time(record).time);
}

void dump_record(const PerfFile& file, const RecordView& record, DumpOutput& out) {
    const std::string_view name = record_type_name(record.type);
    out.add("{:#x} {} misc {:#x} {} size {} time {}", record.file_offset,
            name == "unknown" ? fmt::format("type-{}", record.type) : std::string(name),
            record.misc, mode_name(record.cpu_mode()),
            record.body.size() + format::record_header_size, time_text(file, record));
    const std::string fields = record_text(file, record);
    if (fields.empty())
        out.add_text("\n");
    else
        out.add(" {}\n", fields);
}

void dump_counts(const Scan& scan, DumpOutput& out) {
    out.add("{:<16}{}, {} of them samples\n", "records", scan.record_count, scan.sample_count);
    for (std::uint32_t type = 0; type < scan.records_by_type.size(); ++type) {
        const std::uint64_t count = scan.records_by_type[type];
        if (count == 0) continue;
        const std::string_view name = record_type_name(type);
        out.add("  {:<20}{:>12}\n",
                name == "unknown" ? fmt::format("type-{}", type) : std::string(name), count);
    }
    out.add("{:<16}{}\n", "processes", scan.processes.process_count());
    out.add("{:<16}{} of {} files\n", "code mappings", scan.processes.mappings().mapping_count(),
            scan.processes.mappings().image_count());
    if (scan.lost.total() != 0) out.add("{:<16}{}\n", "lost events", scan.lost.total());
}

Result<void> dump_chunks(const PerfFile& file, Scan& scan, DumpOutput& out,
                         Diagnostics& diagnostics) {
    std::vector<std::byte> buffer;
    do {
        for (const Chunk& chunk : scan.chunks) {
            const Result<ByteView> bytes = file.read_chunk(chunk, buffer);
            if (!bytes) return bytes.error();
            RecordCursor cursor = file.records(chunk, *bytes);
            while (const std::optional<RecordView> record = cursor.next()) {
                dump_record(file, *record, out);
                if (!out.wanted()) return {};
            }
        }
    } while (file.next_batch(scan, diagnostics));
    return {};
}

}  // namespace

namespace {

Result<void> dump_counts_of(const PerfFile& file, DumpOutput& out, Diagnostics& diagnostics) {
    Result<Scan> scan = file.scan(diagnostics);
    if (!scan) return scan.error();
    while (file.next_batch(*scan, diagnostics)) continue;
    dump_counts(*scan, out);
    return {};
}

}  // namespace

Result<void> dump_summary(const std::string& path, DumpOutput& out, Diagnostics& diagnostics) {
    const Result<PerfFile> file = PerfFile::open(path, diagnostics);
    if (!file) return file.error();
    dump_header(*file, out);
    dump_events(*file, out);
    dump_build_ids(*file, out);
    return dump_counts_of(*file, out, diagnostics);
}

Result<void> dump_record_counts(const std::string& path, DumpOutput& out,
                                Diagnostics& diagnostics) {
    const Result<PerfFile> file = PerfFile::open(path, diagnostics);
    if (!file) return file.error();
    return dump_counts_of(*file, out, diagnostics);
}

Result<void> dump_records(const std::string& path, DumpOutput& out, Diagnostics& diagnostics) {
    const Result<PerfFile> file = PerfFile::open(path, diagnostics);
    if (!file) return file.error();
    dump_header(*file, out);
    dump_events(*file, out);
    Result<Scan> scan = file->scan(diagnostics);
    if (!scan) return scan.error();
    return dump_chunks(*file, *scan, out, diagnostics);
}

}  // namespace fgread::tools
