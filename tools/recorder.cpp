#include "tools/recorder.h"

#include <fmt/format.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>

namespace fgread::tools {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds tick{250};

// While it lives, the signals wait to be asked for instead of acting. Those that came and were
// answered are gone at its end.
class AwaitedSignals {
public:
    AwaitedSignals() {
        sigemptyset(&set_);
        for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) sigaddset(&set_, number);
        pthread_sigmask(SIG_BLOCK, &set_, &before_);
    }
    AwaitedSignals(const AwaitedSignals&) = delete;
    AwaitedSignals& operator=(const AwaitedSignals&) = delete;
    ~AwaitedSignals() {
        // A second Ctrl-C while perf wrote its last data was meant for it, too.
        while (next(milliseconds(0)) > 0) continue;
        pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }

    // The number of a signal that came; 0 or less if none did in that time.
    [[nodiscard]] int next(milliseconds patience) const {
        timespec time{};
        time.tv_sec = patience.count() / 1000;
        time.tv_nsec = (patience.count() % 1000) * 1'000'000;
        return sigtimedwait(&set_, nullptr, &time);
    }

private:
    sigset_t set_{};
    sigset_t before_{};
};

}  // namespace

Result<RecorderRun> run_recorder(const Command& command, const RecorderOptions& options) {
    const AwaitedSignals signals;
    const steady_clock::time_point begin = steady_clock::now();
    const Result<pid_t> pid = start(command);
    if (!pid) return pid.error();
    RecorderRun out;
    while (true) {
        out.time = std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin);
        const pid_t ended = waitpid(*pid, &out.wait_status, WNOHANG);
        if (ended == *pid) return out;
        if (ended < 0 && errno != EINTR) {
            return Error{ErrorKind::io,
                         fmt::format("{}: cannot be waited for: {}", command.arguments.front(),
                                     std::strerror(errno))};
        }
        if (options.progress && !out.stopped) options.progress(out.time);
        milliseconds patience = tick;
        const bool limited = options.duration > milliseconds(0) && !out.stopped;
        if (limited) patience = std::clamp(options.duration - out.time, milliseconds(0), tick);
        const int number = signals.next(patience);
        const bool asked = number == SIGINT || number == SIGTERM || number == SIGHUP;
        const bool time_over = limited && steady_clock::now() - begin >= options.duration;
        if (!asked && !time_over) continue;
        out.stopped = true;
        kill(*pid, SIGINT);
    }
}

}  // namespace fgread::tools
