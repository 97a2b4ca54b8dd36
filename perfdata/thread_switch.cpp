#include "perfdata/thread_switch.h"

#include "perfdata/format.h"

namespace fgread {

namespace {

using Kind = ThreadSwitch::Kind;

constexpr std::uint64_t comm_size = 16;

// prev_state (fs/proc/array.c: task_state_array): 0 running; 16 dead, 32 zombie; what is above the
// states that are reported says that it was preempted (from Linux 4.14 on).
constexpr std::uint64_t state_gone = 16 | 32;
constexpr std::uint64_t state_preempted_from = 256;

Kind kind_of_state(std::uint64_t state) {
    if ((state & state_gone) != 0) return Kind::gone;
    return state == 0 || state >= state_preempted_from ? Kind::preempted : Kind::blocked;
}

// The fields that all tracepoints have are followed by those of sched_switch at `common_size`.
std::optional<std::pair<ThreadSwitch, ThreadSwitch>> decode_at(std::uint64_t common_size,
                                                               const EventAttr& attr,
                                                               const SampleView& sample,
                                                               Endian endian, EventTime when) {
    ByteReader in(sample.raw, endian);
    const std::uint16_t type = in.u16();
    in.skip(2);  // flags, preempt_count
    const std::int32_t common_pid = in.i32();
    in.seek(common_size + comm_size);
    const std::int32_t previous = in.i32();
    in.skip(4);  // prio
    in.seek((in.position() + 7) / 8 * 8);
    const std::uint64_t state = in.u64();
    in.skip(comm_size);
    const std::int32_t next = in.i32();
    in.skip(4);  // prio
    if (!in.ok() || type != attr.config || common_pid != previous) return std::nullopt;
    // A thread that is gone has no number of its own any more.
    const bool is_same = sample.tid.value == previous || sample.tid.value <= 0;
    if (!is_same) return std::nullopt;
    return std::pair(ThreadSwitch{when, Tid{previous}, kind_of_state(state)},
                     ThreadSwitch{when, Tid{next}, Kind::in});
}

}  // namespace

std::optional<ThreadSwitch> decode_thread_switch(const RecordView& record, Tid tid,
                                                 EventTime when) {
    if (record.type == format::record_switch || record.type == format::record_switch_cpu_wide) {
        if ((record.misc & format::misc_switch_out) == 0) return ThreadSwitch{when, tid, Kind::in};
        const bool preempted = (record.misc & format::misc_switch_out_preempt) != 0;
        return ThreadSwitch{when, tid, preempted ? Kind::preempted : Kind::blocked};
    }
    if (record.type != format::record_fork && record.type != format::record_exit) {
        return std::nullopt;
    }
    const std::optional<TaskView> task = decode_task(record);
    if (!task || when.time == 0) return std::nullopt;
    const bool fork = record.type == format::record_fork;
    return ThreadSwitch{when, task->tid, fork ? Kind::started : Kind::ended};
}

bool is_sched_switch(const EventAttr& attr) {
    return attr.type == format::type_tracepoint && attr.name.starts_with("sched:sched_switch");
}

std::optional<std::pair<ThreadSwitch, ThreadSwitch>> decode_sched_switch(const EventAttr& attr,
                                                                         const SampleView& sample,
                                                                         Endian endian,
                                                                         EventTime when) {
    // 12: kernels with the PREEMPT_RT patches of 3.x to 5.x, which have common_preempt_lazy_count.
    for (const std::uint64_t common_size : {8u, 12u}) {
        auto both = decode_at(common_size, attr, sample, endian, when);
        if (both) return both;
    }
    return std::nullopt;
}

}  // namespace fgread
