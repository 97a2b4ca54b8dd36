#include "tools/dump_records.h"

#include <optional>
#include <vector>

#include "perfdata/format.h"
#include "perfdata/reader.h"
#include "tools/dump_head.h"

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

// PROT_READ, PROT_WRITE, PROT_EXEC and MAP_SHARED as /proc/PID/maps shows them.
std::string protection_text(std::uint32_t protection, std::uint32_t flags) {
    std::string text = "---p";
    if ((protection & 1) != 0) text[0] = 'r';
    if ((protection & 2) != 0) text[1] = 'w';
    if ((protection & 4) != 0) text[2] = 'x';
    if ((flags & 1) != 0) text[3] = 's';
    return text;
}

std::string hex_bytes(ByteView bytes) {
    std::string text;
    for (const std::byte byte : bytes) text += fmt::format("{:02x}", std::to_integer<int>(byte));
    return text;
}

std::string malformed() { return "malformed"; }

std::string mmap_text(const std::optional<MmapView>& record) {
    if (!record) return malformed();
    std::string text =
        fmt::format("{}/{} [{:#x}, {:#x}) pgoff {:#x} ", record->pid.value, record->tid.value,
                    record->start.value, record->start.value + record->length, record->file_offset);
    if (!record->build_id.empty()) {
        text += fmt::format("{} build-id {} ", protection_text(record->protection, record->flags),
                            hex_bytes(record->build_id));
    } else if (record->has_inode) {
        text += fmt::format(
            "{} inode {:02x}:{:02x} {} {} ", protection_text(record->protection, record->flags),
            record->device_major, record->device_minor, record->inode, record->inode_generation);
    }
    if (!record->executable) text += "data ";
    return text + printable(record->path);
}

std::string comm_text(const RecordView& record) {
    const std::optional<CommView> comm = decode_comm(record);
    if (!comm) return malformed();
    return fmt::format("{}/{}{} {}", comm->pid.value, comm->tid.value,
                       comm->from_exec ? " exec" : "", printable(comm->comm));
}

std::string task_text(const RecordView& record) {
    const std::optional<TaskView> task = decode_task(record);
    if (!task) return malformed();
    return fmt::format("{}/{} parent {}/{}{}", task->pid.value, task->tid.value,
                       task->parent_pid.value, task->parent_tid.value,
                       task->synthesised ? " synthesised" : "");
}

std::string ksymbol_text(const RecordView& record) {
    const std::optional<KsymbolView> symbol = decode_ksymbol(record);
    if (!symbol) return malformed();
    const char* kind = symbol->kind == 1 ? "bpf" : symbol->kind == 2 ? "ool" : "unknown";
    return fmt::format("{:#x}+{:#x} {}{} {}", symbol->start.value, symbol->length, kind,
                       symbol->unregistered ? " unregistered" : "", printable(symbol->name));
}

// struct perf_record_bpf_event: the program itself; KSYMBOL says where its code is.
std::string bpf_text(const RecordView& record) {
    ByteReader reader(record.body, record.endian);
    const std::uint16_t type = reader.u16();
    reader.skip(2);  // flags
    const std::uint32_t id = reader.u32();
    std::string tag;
    for (int i = 0; i < 8; ++i) tag += fmt::format("{:02x}", reader.u8());
    const char* what = type == 1 ? "loaded" : type == 2 ? "unloaded" : "unknown";
    return reader.ok() ? fmt::format("program {} {} tag {}", id, what, tag) : malformed();
}

std::string lost_text(const RecordView& record) {
    ByteReader reader(record.body, record.endian);
    const std::uint64_t id = reader.u64();
    const std::uint64_t count = reader.u64();
    return reader.ok() ? fmt::format("{} events of id {}", count, id) : malformed();
}

std::string lost_samples_text(const RecordView& record) {
    ByteReader reader(record.body, record.endian);
    const std::uint64_t count = reader.u64();
    return reader.ok() ? fmt::format("{} samples", count) : malformed();
}

std::string deferred_text(const PerfFile& file, const RecordView& record) {
    const std::optional<DeferredChainView> deferred = decode_deferred_chain(record);
    if (!deferred) return malformed();
    const SampleLayout::Key thread = file.trailer_key(record).value_or(SampleLayout::Key{});
    return fmt::format("{}/{} cookie {:#x} chain {}", thread.pid.value, thread.tid.value,
                       deferred->cookie, deferred->chain.size());
}

std::string registers_text(const RegsView& registers) {
    switch (registers.abi) {
        case 0:
            return "none";
        case 1:
            return "32-bit";
        case 2:
            return "64-bit";
        default:
            return fmt::format("abi {}", registers.abi);
    }
}

std::string sample_text(const PerfFile& file, const RecordView& record) {
    const std::optional<std::size_t> attr = file.attr_of_sample(record);
    if (!attr) return "of an id that no event has";
    const std::optional<SampleView> sample = file.layout(*attr).decode(record);
    if (!sample) return malformed();
    std::string text = fmt::format("{}/{} event {} ip {:#x} cpu {} period {} chain {}",
                                   sample->pid.value, sample->tid.value, *attr, sample->ip.value,
                                   sample->cpu, sample->period, sample->callchain.size());
    if ((sample->sample_type & format::sample_regs_user) != 0) {
        text += fmt::format(" registers {}", registers_text(sample->user_regs));
    }
    if ((sample->sample_type & format::sample_stack_user) != 0) {
        text +=
            fmt::format(" stack {} of {}", sample->user_stack.size(), sample->user_stack_requested);
    }
    return text;
}

std::string fields_text(const PerfFile& file, const RecordView& record) {
    switch (record.type) {
        case format::record_mmap:
            return mmap_text(decode_mmap(record));
        case format::record_mmap2:
            return mmap_text(decode_mmap2(record));
        case format::record_comm:
            return comm_text(record);
        case format::record_fork:
        case format::record_exit:
            return task_text(record);
        case format::record_ksymbol:
            return ksymbol_text(record);
        case format::record_bpf_event:
            return bpf_text(record);
        case format::record_lost:
            return lost_text(record);
        case format::record_lost_samples:
            return lost_samples_text(record);
        case format::record_callchain_deferred:
            return deferred_text(file, record);
        case format::record_sample:
            return sample_text(file, record);
        default:
            return {};
    }
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
    const std::string fields = fields_text(file, record);
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
