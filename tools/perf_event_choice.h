// Which event to sample on this machine, asked of the kernel itself.
#pragma once

#include <string>

#include "perfdata/result.h"

namespace fgread::tools {

struct EventChoice {
    std::string event;  // as perf record -e takes it
    std::string note;   // for the user, what this choice loses and what gives it; may be empty
};

// cycles, or cpu-clock where there is no such counter (most virtual machines); ":u" where this
// user may not sample the kernel. The error says which setting forbids it. Opens and closes an
// event, a few microseconds.
Result<EventChoice> choose_event(bool all_cpus);

// Whether this user may sample threads that leave the CPU: they do that in the kernel. The error
// says which setting forbids it.
Result<void> check_off_cpu(bool all_cpus);

// What to do about a kernel that refuses, by kernel.perf_event_paranoid. `all_cpus` needs more.
std::string permission_remedy(bool all_cpus);

}  // namespace fgread::tools
