// ProgressLine: one line of a terminal (stderr) that says how far a fold is.
#pragma once

#include <atomic>
#include <chrono>
#include <mutex>
#include <string>

#include "collapse/progress.h"

namespace fgread::tools {

// False where stderr is no terminal, or one that cannot erase a line.
bool terminal_shows_progress();

// "512 of 1234 MB, 412 k samples/s, 3 s left", judged by what was done since `first` (of the same
// stage) was seen, so long ago; without speed and time where that is nothing.
std::string progress_text(const Progress& progress, const Progress& first,
                          std::chrono::duration<double> since);

// Nothing is shown in the first half second, then five times a second. There is no thread and no
// timer: whoever reports progress looks at the clock (30 ns for half a MiB of records), and writes
// the line if it is due and nobody else does. Measured cost: under 0.01 % of a fold.
class ProgressLine {
public:
    // To be called from any thread; must not be called after the ProgressLine has gone.
    ProgressObserver observer();
    // Removes the line, if there is one, and shows no more. Thread-safe.
    void erase();

private:
    using Clock = std::chrono::steady_clock;

    void show(const Progress& progress);

    const Clock::time_point begin_ = Clock::now();
    std::atomic<Clock::rep> due_ =
        (begin_ + std::chrono::milliseconds(500)).time_since_epoch().count();
    std::mutex mutex_;  // guards what follows, and the line
    Clock::time_point stage_begin_ = begin_;
    Progress stage_first_;  // the first that was shown of a stage
    bool shown_ = false;
    bool ended_ = false;
};

}  // namespace fgread::tools
