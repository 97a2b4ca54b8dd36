// EventRings: one perf event on every CPU for a process and its children, and their ring buffers.
#pragma once

#include <linux/perf_event.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "perf_data_writer.h"

namespace truth {

class EventRings {
public:
    EventRings() = default;
    EventRings(const EventRings&) = delete;
    EventRings& operator=(const EventRings&) = delete;
    ~EventRings();

    // Opens `attr` for `pid` on each online CPU (an inherited event cannot have a ring otherwise)
    // and maps rings of at most `ring_bytes` (a power of two; less if the mlock limit says so).
    // 0, or the errno of the call named by failed_call().
    int open(const perf_event_attr& attr, pid_t pid, std::size_t ring_bytes);
    [[nodiscard]] const std::string& failed_call() const { return failed_call_; }

    [[nodiscard]] const std::vector<std::uint64_t>& ids() const { return ids_; }

    // Waits up to `timeout_ms` until a ring passes its watermark.
    void wait(int timeout_ms);
    // Moves what the kernel has written to the file, ring by ring, and ends the round.
    void drain(PerfDataWriter& out);

private:
    struct Ring {
        int fd = -1;
        std::byte* base = nullptr;  // control page, then the data
        std::size_t size = 0;       // of the data
    };
    int map(Ring& ring, std::size_t bytes);
    static void drain(const Ring& ring, PerfDataWriter& out);

    std::vector<Ring> rings_;
    std::vector<std::uint64_t> ids_;
    std::string failed_call_;
};

}  // namespace truth
