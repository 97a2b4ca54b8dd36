#include "tools/perf_event_choice.h"

#include <fmt/format.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "tools/subprocess.h"

namespace fgread::tools {

namespace {

// Any will do: it only has to be a sampled event, which some counters cannot be.
constexpr std::uint64_t probe_frequency = 997;

struct Candidate {
    const char* name;
    std::uint32_t type;
    std::uint64_t config;
};

constexpr std::array candidates = {
    Candidate{"cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES},
    Candidate{"cpu-clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK},
};

constexpr Candidate context_switches{"context-switches", PERF_TYPE_SOFTWARE,
                                     PERF_COUNT_SW_CONTEXT_SWITCHES};

// 0 if the kernel opens it, else errno.
int try_open(const Candidate& candidate, bool user_only, bool all_cpus) {
    perf_event_attr attr{};
    attr.size = sizeof attr;
    attr.type = candidate.type;
    attr.config = candidate.config;
    attr.sample_freq = probe_frequency;
    attr.freq = 1;
    attr.disabled = 1;
    attr.exclude_hv = 1;
    attr.exclude_kernel = user_only ? 1 : 0;
    const pid_t pid = all_cpus ? -1 : 0;
    const int cpu = all_cpus ? 0 : -1;
    const long fd = syscall(SYS_perf_event_open, &attr, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
    if (fd < 0) return errno;
    close(static_cast<int>(fd));
    return 0;
}

bool is_refusal(int error) { return error == EACCES || error == EPERM; }

std::string paranoid_level() {
    std::string text = file_text("/proc/sys/kernel/perf_event_paranoid");
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
}

}  // namespace

std::string permission_remedy(bool all_cpus) {
    if (geteuid() == 0) {
        return "root may not either, so a container forbids it: start that with --cap-add PERFMON "
               "(docker, podman), or with --privileged";
    }
    const std::string level = paranoid_level();
    return fmt::format(
        "kernel.perf_event_paranoid is {}: sudo sysctl kernel.perf_event_paranoid={}, or run "
        "fgrecord as root",
        level.empty() ? "unknown" : level, all_cpus ? -1 : 1);
}

Result<EventChoice> choose_event(bool all_cpus) {
    int error = 0;
    for (const Candidate& candidate : candidates) {
        error = try_open(candidate, false, all_cpus);
        if (error == 0) return EventChoice{candidate.name, ""};
        if (!is_refusal(error) || try_open(candidate, true, all_cpus) != 0) continue;
        return EventChoice{std::string(candidate.name) + ":u",
                           "the kernel's part is left out, as this user may not sample it; " +
                               permission_remedy(all_cpus)};
    }
    if (is_refusal(error)) {
        return Error{ErrorKind::io,
                     "the kernel does not let this user sample; " + permission_remedy(all_cpus)};
    }
    if (error == ENOSYS) {
        return Error{
            ErrorKind::unsupported,
            "this kernel has no perf events (CONFIG_PERF_EVENTS), or a sandbox hides them"};
    }
    return Error{ErrorKind::io,
                 fmt::format("the kernel opens neither cycles nor cpu-clock: {}; give another "
                             "event with --event",
                             std::strerror(error))};
}

Result<void> check_off_cpu(bool all_cpus) {
    const int error = try_open(context_switches, false, all_cpus);
    if (error == 0) return {};
    if (is_refusal(error)) {
        return Error{ErrorKind::io,
                     "threads leave the CPU in the kernel, which this user may not sample; " +
                         permission_remedy(all_cpus)};
    }
    return Error{ErrorKind::io, fmt::format("the kernel does not count context switches: {}",
                                            std::strerror(error))};
}

}  // namespace fgread::tools
