// Addresses, ids and times as types of their own, so that they cannot be mixed up.
//
// The two words that remove the field's worst ambiguity:
//   AVMA  actual virtual memory address: where the code ran, as registers and stacks hold it.
//   SVMA  stated virtual memory address: what the ELF file says (p_vaddr, st_value, CFI).
// The load bias of a module in a process is avma - svma, modulo 2^64.
//
// All types here are plain values: copy them freely, from any thread.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>

namespace fgread {

// Where something was in the memory of the recorded process.
struct Avma {
    std::uint64_t value = 0;
    friend constexpr auto operator<=>(const Avma&, const Avma&) = default;
};

// Where the ELF file of a module says something is.
struct Svma {
    std::uint64_t value = 0;
    friend constexpr auto operator<=>(const Svma&, const Svma&) = default;
};

// Process id as the kernel recorded it; -1 in records of the kernel itself.
struct Pid {
    std::int32_t value = -1;
    friend constexpr auto operator<=>(const Pid&, const Pid&) = default;
};

// Thread id as the kernel recorded it; 0 is the idle task.
struct Tid {
    std::int32_t value = -1;
    friend constexpr auto operator<=>(const Tid&, const Tid&) = default;
};

// Nanoseconds on the clock of the recording (perf_event_attr.clockid).
struct TimestampNs {
    std::uint64_t value = 0;
    friend constexpr auto operator<=>(const TimestampNs&, const TimestampNs&) = default;
};

// One life of a process: a pid is reused within one recording, and exec replaces the address
// space. Dense from 0, given out by ProcessTable.
struct ProcessId {
    std::uint32_t value = 0;
    friend constexpr auto operator<=>(const ProcessId&, const ProcessId&) = default;
};

// A point in the total order of a recording: by time, ties by place in the file. Records without
// a time (or time 0, as perf's synthesised start-up state has) sort first, in file order.
struct EventTime {
    std::uint64_t time = 0;      // ns; the record's number in a recording that has no times at all
    std::uint64_t sequence = 0;  // number of the record in the file, from 0
    friend constexpr auto operator<=>(const EventTime&, const EventTime&) = default;
};
inline constexpr EventTime beginning_of_time{};
inline constexpr EventTime end_of_time{std::numeric_limits<std::uint64_t>::max(),
                                       std::numeric_limits<std::uint64_t>::max()};

// In which mode the CPU was (perf_event.h: PERF_RECORD_MISC_CPUMODE_MASK).
enum class CpuMode : std::uint8_t {
    unknown = 0,
    kernel = 1,
    user = 2,
    hypervisor = 3,
    guest_kernel = 4,
    guest_user = 5,
};

}  // namespace fgread
