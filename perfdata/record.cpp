#include "perfdata/record.h"

#include "perfdata/format.h"

namespace fgread {
namespace {

constexpr std::size_t max_mmap2_build_id = 20;  // u8 build_id[20] in the kernel's union

ByteReader reader_of(const RecordView& record) { return ByteReader(record.body, record.endian); }

// pid, tid, addr, len and pgoff: the part MMAP and MMAP2 share.
MmapView read_mmap_head(ByteReader& in, const RecordView& record) {
    MmapView view;
    view.pid.value = in.i32();
    view.tid.value = in.i32();
    view.start.value = in.u64();
    view.length = in.u64();
    view.file_offset = in.u64();
    // The misc bit, not MMAP2's prot: perf inject --jit writes the file's st_mode into prot.
    view.executable = (record.misc & format::misc_mmap_data) == 0;
    view.mode = record.cpu_mode();
    return view;
}

}  // namespace

std::optional<MmapView> decode_mmap(const RecordView& record) {
    ByteReader in = reader_of(record);
    MmapView view = read_mmap_head(in, record);
    view.path = in.c_string();
    if (!in.ok()) return std::nullopt;
    return view;
}

std::optional<MmapView> decode_mmap2(const RecordView& record) {
    ByteReader in = reader_of(record);
    MmapView view = read_mmap_head(in, record);
    if ((record.misc & format::misc_mmap_build_id) != 0) {
        const std::size_t size = in.u8();
        in.skip(3);
        const ByteView bytes = in.bytes(max_mmap2_build_id);
        // A size the field cannot hold says nothing about which bytes count: no build-id.
        if (in.ok() && size <= max_mmap2_build_id) view.build_id = bytes.first(size);
    } else {
        view.has_inode = true;
        view.device_major = in.u32();
        view.device_minor = in.u32();
        view.inode = in.u64();
        view.inode_generation = in.u64();
    }
    view.protection = in.u32();
    view.flags = in.u32();
    view.path = in.c_string();
    if (!in.ok()) return std::nullopt;
    return view;
}

std::optional<CommView> decode_comm(const RecordView& record) {
    ByteReader in = reader_of(record);
    CommView view;
    view.pid.value = in.i32();
    view.tid.value = in.i32();
    view.from_exec = (record.misc & format::misc_comm_exec) != 0;
    view.comm = in.c_string();
    if (!in.ok()) return std::nullopt;
    return view;
}

std::optional<TaskView> decode_task(const RecordView& record) {
    ByteReader in = reader_of(record);
    TaskView view;
    view.pid.value = in.i32();
    view.parent_pid.value = in.i32();
    view.tid.value = in.i32();
    view.parent_tid.value = in.i32();
    view.time.value = in.u64();
    view.synthesised =
        record.type == format::record_fork && (record.misc & format::misc_fork_exec) != 0;
    if (!in.ok()) return std::nullopt;
    return view;
}

std::optional<KsymbolView> decode_ksymbol(const RecordView& record) {
    ByteReader in = reader_of(record);
    KsymbolView view;
    view.start.value = in.u64();
    view.length = in.u32();
    view.kind = in.u16();
    view.unregistered = (in.u16() & format::ksymbol_unregister) != 0;
    view.name = in.c_string();
    if (!in.ok()) return std::nullopt;
    return view;
}

std::optional<CgroupView> decode_cgroup(const RecordView& record) {
    ByteReader in = reader_of(record);
    CgroupView view;
    view.id = in.u64();
    view.path = in.c_string();
    if (!in.ok()) return std::nullopt;
    return view;
}

std::optional<DeferredChainView> decode_deferred_chain(const RecordView& record) {
    ByteReader in = reader_of(record);
    DeferredChainView view;
    view.cookie = in.u64();
    const std::uint64_t count = in.u64();
    if (!in.ok() || count > in.remaining() / sizeof(std::uint64_t)) return std::nullopt;
    view.chain = U64View(in.bytes(count * sizeof(std::uint64_t)), in.endian());
    return view;
}

std::string_view record_type_name(std::uint32_t type) {
    // Index = type; 23 to 63 are not given out yet.
    static constexpr std::string_view kernel_names[] = {
        "unknown",
        "MMAP",
        "LOST",
        "COMM",
        "EXIT",
        "THROTTLE",
        "UNTHROTTLE",
        "FORK",
        "READ",
        "SAMPLE",
        "MMAP2",
        "AUX",
        "ITRACE_START",
        "LOST_SAMPLES",
        "SWITCH",
        "SWITCH_CPU_WIDE",
        "NAMESPACES",
        "KSYMBOL",
        "BPF_EVENT",
        "CGROUP",
        "TEXT_POKE",
        "AUX_OUTPUT_HW_ID",
        "CALLCHAIN_DEFERRED",
    };
    static constexpr std::string_view tool_names[] = {
        "HEADER_ATTR",
        "HEADER_EVENT_TYPE",
        "HEADER_TRACING_DATA",
        "HEADER_BUILD_ID",
        "FINISHED_ROUND",
        "ID_INDEX",
        "AUXTRACE_INFO",
        "AUXTRACE",
        "AUXTRACE_ERROR",
        "THREAD_MAP",
        "CPU_MAP",
        "STAT_CONFIG",
        "STAT",
        "STAT_ROUND",
        "EVENT_UPDATE",
        "TIME_CONV",
        "HEADER_FEATURE",
        "COMPRESSED",
        "FINISHED_INIT",
        "COMPRESSED2",
        "BPF_METADATA",
        "SCHEDSTAT_CPU",
        "SCHEDSTAT_DOMAIN",
    };
    static_assert(std::size(kernel_names) == format::record_callchain_deferred + 1);
    static_assert(format::record_first_of_tool + std::size(tool_names) == format::known_type_limit);
    if (type < std::size(kernel_names)) return kernel_names[type];
    if (type < format::record_first_of_tool || type >= format::known_type_limit) return "unknown";
    return tool_names[type - format::record_first_of_tool];
}

}  // namespace fgread
