// Runs a recorder until it ends, is interrupted or its time is over.
#pragma once

#include <chrono>
#include <functional>

#include "perfdata/result.h"
#include "tools/subprocess.h"

namespace fgread::tools {

struct RecorderOptions {
    std::chrono::milliseconds duration{0};  // 0: until it ends
    // Called about four times a second with the time since the start; may be empty.
    std::function<void(std::chrono::milliseconds)> progress;
};

struct RecorderRun {
    std::chrono::milliseconds time{0};
    int wait_status = 0;
    bool stopped = false;  // by us: Ctrl-C, or its time was over
};

// SIGINT, SIGTERM and SIGHUP end the recorder (as SIGINT, after which perf completes its file) and
// not this process; afterwards they mean again what they did. Call it with no other thread running.
Result<RecorderRun> run_recorder(const Command& command, const RecorderOptions& options);

}  // namespace fgread::tools
