#include "event_rings.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>

namespace truth {
namespace {

// Room for a few samples of 64 KiB; smaller rings would lose every second one.
constexpr std::size_t smallest_ring = 256 * 1024;

// "0-3,5" of /sys/devices/system/cpu/online.
std::vector<int> online_cpus() {
    std::ifstream in("/sys/devices/system/cpu/online");
    std::vector<int> cpus;
    int first = 0;
    while (in >> first) {
        int last = first;
        if (in.peek() == '-') {
            in.get();
            in >> last;
        }
        for (int cpu = first; cpu <= last; ++cpu) cpus.push_back(cpu);
        in.get();
    }
    if (cpus.empty()) cpus.push_back(0);
    return cpus;
}

std::size_t page_size() { return static_cast<std::size_t>(sysconf(_SC_PAGESIZE)); }

}  // namespace

EventRings::~EventRings() {
    for (const Ring& ring : rings_) {
        if (ring.base) munmap(ring.base, ring.size + page_size());
        if (ring.fd >= 0) close(ring.fd);
    }
}

int EventRings::map(Ring& ring, std::size_t bytes) {
    for (std::size_t size = bytes; size >= smallest_ring; size /= 2) {
        void* at =
            mmap(nullptr, size + page_size(), PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, 0);
        if (at != MAP_FAILED) {
            ring.base = static_cast<std::byte*>(at);
            ring.size = size;
            return 0;
        }
        if (errno != EPERM && errno != ENOMEM) break;  // those two: over the mlock limit
    }
    return errno;
}

int EventRings::open(const perf_event_attr& attr, pid_t pid, std::size_t ring_bytes) {
    for (const int cpu : online_cpus()) {
        perf_event_attr copy = attr;
        Ring ring;
        ring.fd = static_cast<int>(
            syscall(SYS_perf_event_open, &copy, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC));
        if (ring.fd < 0) {
            failed_call_ = "perf_event_open";
            return errno;
        }
        rings_.push_back(ring);
        if (const int error = map(rings_.back(), ring_bytes); error != 0) {
            failed_call_ = "mmap of the ring buffer";
            return error;
        }
        std::uint64_t id = 0;
        if (ioctl(ring.fd, PERF_EVENT_IOC_ID, &id) != 0) {
            failed_call_ = "PERF_EVENT_IOC_ID";
            return errno;
        }
        ids_.push_back(id);
    }
    return 0;
}

void EventRings::wait(int timeout_ms) {
    std::vector<pollfd> fds;
    for (const Ring& ring : rings_) fds.push_back({ring.fd, POLLIN, 0});
    poll(fds.data(), fds.size(), timeout_ms);
}

void EventRings::drain(const Ring& ring, PerfDataWriter& out) {
    auto* control = static_cast<perf_event_mmap_page*>(static_cast<void*>(ring.base));
    const std::byte* data = ring.base + page_size();
    // data_head and data_tail count bytes for ever; a record may wrap round the ring's end.
    const std::uint64_t head = __atomic_load_n(&control->data_head, __ATOMIC_ACQUIRE);
    std::uint64_t tail = control->data_tail;
    while (tail != head) {
        const std::size_t at = tail & (ring.size - 1);
        const std::size_t piece = std::min<std::size_t>(head - tail, ring.size - at);
        out.append(data + at, piece);
        tail += piece;
    }
    __atomic_store_n(&control->data_tail, tail, __ATOMIC_RELEASE);
}

void EventRings::drain(PerfDataWriter& out) {
    for (const Ring& ring : rings_) drain(ring, out);
    out.append_finished_round();
}

}  // namespace truth
