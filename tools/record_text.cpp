#include "tools/record_text.h"

#include <fmt/format.h>

#include <iterator>
#include <optional>

#include "perfdata/format.h"
#include "tools/dump_output.h"

namespace fgread::tools {

namespace {

// PROT_READ, PROT_WRITE, PROT_EXEC and MAP_SHARED as /proc/PID/maps shows them.
std::string protection_text(std::uint32_t protection, std::uint32_t flags) {
    std::string text = "---p";
    if ((protection & 1) != 0) text[0] = 'r';
    if ((protection & 2) != 0) text[1] = 'w';
    if ((protection & 4) != 0) text[2] = 'x';
    if ((flags & 1) != 0) text[3] = 's';
    return text;
}

std::string mmap_text(const std::optional<MmapView>& record) {
    if (!record) return malformed();
    std::string text =
        fmt::format("{}/{} [{:#x}, {:#x}) pgoff {:#x} ", record->pid.value, record->tid.value,
                    record->start.value, record->start.value + record->length, record->file_offset);
    if (!record->build_id.empty()) {
        text += fmt::format("{} build-id {} ", protection_text(record->protection, record->flags),
                            hex_text(record->build_id));
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

std::string throttle_text(const RecordView& record) {
    ByteReader reader(record.body, record.endian);
    const std::uint64_t time = reader.u64();
    const std::uint64_t id = reader.u64();
    const std::uint64_t stream = reader.u64();
    return reader.ok() ? fmt::format("at {} id {} stream {}", time, id, stream) : malformed();
}

// READ and ITRACE_START. What the counters of READ had reached is for readers of counts.
std::string thread_text(const RecordView& record) {
    ByteReader reader(record.body, record.endian);
    const std::int32_t pid = reader.i32();
    const std::int32_t tid = reader.i32();
    return reader.ok() ? fmt::format("{}/{}", pid, tid) : malformed();
}

std::string aux_text(const RecordView& record) {
    ByteReader reader(record.body, record.endian);
    const std::uint64_t offset = reader.u64();
    const std::uint64_t size = reader.u64();
    const std::uint64_t flags = reader.u64();
    if (!reader.ok()) return malformed();
    static constexpr const char* names[] = {"truncated", "overwrite", "partial", "collision"};
    std::string text = fmt::format("{} bytes at {:#x} flags {:#x}", size, offset, flags);
    for (std::size_t bit = 0; bit < std::size(names); ++bit) {
        if (((flags >> bit) & 1) != 0) text += fmt::format(" {}", names[bit]);
    }
    return text;
}

std::string switch_text(const PerfFile& file, const RecordView& record) {
    const bool out = (record.misc & format::misc_switch_out) != 0;
    const bool preempted = (record.misc & format::misc_switch_out_preempt) != 0;
    std::string text = !out ? "in" : preempted ? "out, preempted" : "out";
    const auto thread = file.trailer_key(record);
    if (thread) text = fmt::format("{}/{} {}", thread->pid.value, thread->tid.value, text);
    if (record.type == format::record_switch) return text;
    ByteReader reader(record.body, record.endian);
    const std::int32_t pid = reader.i32();
    const std::int32_t tid = reader.i32();
    if (!reader.ok()) return malformed();
    return text + fmt::format(", {} {}/{}", out ? "next" : "before", pid, tid);
}

// In the order of the kernel's enum perf_ns_link_info.
std::string namespaces_text(const RecordView& record) {
    static constexpr const char* names[] = {"net", "uts", "ipc", "pid", "user", "mnt", "cgroup"};
    ByteReader reader(record.body, record.endian);
    const std::int32_t pid = reader.i32();
    const std::int32_t tid = reader.i32();
    const std::uint64_t count = reader.u64();
    std::string text = fmt::format("{}/{}", pid, tid);
    for (std::uint64_t i = 0; i < count && reader.ok(); ++i) {
        const std::uint64_t device = reader.u64();
        const std::uint64_t inode = reader.u64();
        text +=
            fmt::format(" {} {:#x}:{}", i < std::size(names) ? names[i] : "other", device, inode);
    }
    return reader.ok() ? text : malformed();
}

std::string cgroup_text(const RecordView& record) {
    const std::optional<CgroupView> cgroup = decode_cgroup(record);
    return cgroup ? fmt::format("{} {}", cgroup->id, printable(cgroup->path)) : malformed();
}

// The kernel changed its own code: the bytes that were there, and those that are.
std::string text_poke_text(const RecordView& record) {
    ByteReader reader(record.body, record.endian);
    const std::uint64_t address = reader.u64();
    const std::uint16_t old_size = reader.u16();
    const std::uint16_t new_size = reader.u16();
    const ByteView before = reader.bytes(old_size);
    const ByteView after = reader.bytes(new_size);
    if (!reader.ok()) return malformed();
    return fmt::format("{:#x} old {} bytes {} new {} bytes {}", address, old_size, hex_text(before),
                       new_size, hex_text(after));
}

std::string hardware_id_text(const RecordView& record) {
    ByteReader reader(record.body, record.endian);
    const std::uint64_t id = reader.u64();
    return reader.ok() ? fmt::format("{:#x}", id) : malformed();
}

}  // namespace

std::string hex_text(ByteView bytes) {
    std::string text;
    for (const std::byte byte : bytes) text += fmt::format("{:02x}", std::to_integer<int>(byte));
    return text;
}

std::string record_text(const PerfFile& file, const RecordView& record) {
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
        case format::record_throttle:
        case format::record_unthrottle:
            return throttle_text(record);
        case format::record_read:
        case format::record_itrace_start:
            return thread_text(record);
        case format::record_aux:
            return aux_text(record);
        case format::record_switch:
        case format::record_switch_cpu_wide:
            return switch_text(file, record);
        case format::record_namespaces:
            return namespaces_text(record);
        case format::record_cgroup:
            return cgroup_text(record);
        case format::record_text_poke:
            return text_poke_text(record);
        case format::record_aux_output_hw_id:
            return hardware_id_text(record);
        default:
            return tool_record_text(record);
    }
}

}  // namespace fgread::tools
