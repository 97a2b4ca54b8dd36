// Records of the data section and the views into the kernel's process records.
//
// A view points into the buffer its record was read from and lives exactly as long as that buffer
// holds the record: until the next call of the cursor that gave it, unless said otherwise there.
// Layouts: include/uapi/linux/perf_event.h, enum perf_event_type.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "perfdata/address.h"
#include "perfdata/address_space.h"
#include "perfdata/byte_reader.h"

namespace fgread {

struct RecordView {
    std::uint32_t type = 0;
    std::uint16_t misc = 0;
    ByteView body;                  // without the 8-byte header
    std::uint64_t file_offset = 0;  // of the header
    std::uint64_t sequence = 0;     // number of the record in the file, from 0
    Endian endian = Endian::little;

    [[nodiscard]] CpuMode cpu_mode() const { return static_cast<CpuMode>(misc & 7); }
};

// PERF_RECORD_MMAP and MMAP2.
struct MmapView {
    Pid pid;
    Tid tid;
    Avma start;
    std::uint64_t length = 0;
    std::uint64_t file_offset = 0;
    bool executable = false;
    CpuMode mode = CpuMode::user;
    bool has_inode = false;
    std::uint32_t device_major = 0, device_minor = 0;
    std::uint64_t inode = 0, inode_generation = 0;
    ByteView build_id;  // empty if the record has none
    std::uint32_t protection = 0, flags = 0;
    std::string_view path;
};

// PERF_RECORD_COMM.
struct CommView {
    Pid pid;
    Tid tid;
    bool from_exec = false;
    std::string_view comm;
};

// PERF_RECORD_FORK and EXIT.
struct TaskView {
    Pid pid, parent_pid;
    Tid tid, parent_tid;
    TimestampNs time;
    bool synthesised = false;  // FORK made up by perf at its start: do not inherit maps
};

// PERF_RECORD_KSYMBOL: the kernel made, or dropped, a function at run time.
struct KsymbolView {
    Avma start;
    std::uint32_t length = 0;  // bytes
    std::uint16_t kind = 0;    // 1: a BPF program; 2: other code out of line (trampolines)
    bool unregistered = false;
    std::string_view name;  // "bpf_prog_6deef7357e7b4530_sched"
};

// A control group, as perf record --all-cgroups names them.
struct CgroupView {
    std::uint64_t id = 0;
    std::string_view path;  // below the root of the hierarchy: "/system.slice/ssh.service"
};

// PERF_RECORD_CALLCHAIN_DEFERRED: the user part of the chains that wait for it, recorded when the
// thread (of the sample_id trailer) went back to user mode.
struct DeferredChainView {
    std::uint64_t cookie = 0;  // the last word of those chains
    U64View chain;             // user addresses only, without a marker, innermost first
};

// Each returns nothing if the body is too small or a string has no end.
[[nodiscard]] std::optional<MmapView> decode_mmap(const RecordView& record);
[[nodiscard]] std::optional<MmapView> decode_mmap2(const RecordView& record);
[[nodiscard]] std::optional<CommView> decode_comm(const RecordView& record);
[[nodiscard]] std::optional<TaskView> decode_task(const RecordView& record);
[[nodiscard]] std::optional<KsymbolView> decode_ksymbol(const RecordView& record);
[[nodiscard]] std::optional<CgroupView> decode_cgroup(const RecordView& record);
[[nodiscard]] std::optional<DeferredChainView> decode_deferred_chain(const RecordView& record);

// "SAMPLE", "MMAP2", ...; "unknown" for types this reader does not know.
[[nodiscard]] std::string_view record_type_name(std::uint32_t type);

}  // namespace fgread
