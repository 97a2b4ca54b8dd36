// The command line of perf record, and what to say where perf is missing or fails.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "collapse/off_cpu.h"

namespace fgread::tools {

// What to record.
struct RecordPlan {
    std::string perf = "perf";
    std::string event;  // of `time`s other than recorded: of the time on CPU, if that is wanted
    TimeKind time = TimeKind::recorded;
    unsigned frequency = 997;     // a second; a prime, so as not to beat with timers
    unsigned stack_size = 16384;  // bytes of stack copied with each sample
    std::string mmap_pages;       // of perf record -m; empty: perf's own
    std::string pids;             // "12,13"; empty: none
    bool all_cpus = false;
    std::vector<std::string> command;
};

// The largest stack copy that the kernel makes, in the steps of perf_event_attr: a u16 by 8 bytes.
inline constexpr unsigned max_stack_size = 65528;

// perf record with call graphs from stack copies, quiet, writing to `data_file`.
std::vector<std::string> perf_arguments(const RecordPlan& plan, const std::string& data_file);
// The same, talking, with a command that does nothing: to find out why the first one failed.
std::vector<std::string> diagnosing_arguments(const RecordPlan& plan, const std::string& data_file);

// How to install perf, by what /etc/os-release says ("apt install linux-perf").
std::string perf_package_remedy(std::string_view os_release);

// What perf said, without its long explanations: at most three lines that are not empty.
std::vector<std::string> gist_of(std::string_view messages);

// What to do about a failure, by perf's words; empty if we know nothing better than they.
std::string failure_remedy(std::string_view messages, const RecordPlan& plan);

}  // namespace fgread::tools
