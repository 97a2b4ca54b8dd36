#include "tools/progress_line.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace fgread::tools {

namespace {

constexpr std::chrono::milliseconds interval{200};
constexpr const char* erase_line = "\r\x1b[K";  // to the start of the line, and erase it

std::string rate(double per_second) {
    if (per_second >= 1e6) return fmt::format("{:.1f} M", per_second / 1e6);
    if (per_second >= 1e4) return fmt::format("{:.0f} k", per_second / 1e3);
    return fmt::format("{:.0f}", per_second);
}

std::string time_left(double seconds) {
    const auto whole = static_cast<unsigned long>(seconds + 0.5);
    if (whole < 100) return fmt::format("{} s left", whole);
    return fmt::format("{} min left", (whole + 30) / 60);
}

std::string amount(const Progress& progress) {
    const auto unit = progress.stage == ProgressStage::reading ? 1e6 : 1.0;
    const char* const name = progress.stage == ProgressStage::reading ? "MB" : "frames";
    const double done = static_cast<double>(progress.done) / unit;
    if (progress.total == 0) return fmt::format("{:.0f} {}", done, name);
    return fmt::format("{:.0f} of {:.0f} {}", done, static_cast<double>(progress.total) / unit,
                       name);
}

}  // namespace

bool terminal_shows_progress() {
    const char* const terminal = std::getenv("TERM");
    return ::isatty(STDERR_FILENO) == 1 && std::string_view(terminal ? terminal : "") != "dumb";
}

std::string progress_text(const Progress& progress, const Progress& first,
                          std::chrono::duration<double> since) {
    const bool naming = progress.stage == ProgressStage::naming;
    std::string text = (naming ? "naming " : "") + amount(progress);
    if (progress.done <= first.done || since.count() <= 0) return text;
    const double per_second = 1 / since.count();
    if (!naming) {
        const auto samples = static_cast<double>(progress.samples - first.samples);
        text += fmt::format(", {} samples/s", rate(samples * per_second));
    }
    if (progress.total > progress.done) {
        const auto rest = static_cast<double>(progress.total - progress.done);
        const auto speed = static_cast<double>(progress.done - first.done) * per_second;
        text += ", " + time_left(rest / speed);
    }
    return text;
}

ProgressObserver ProgressLine::observer() {
    return [this](const Progress& progress) {
        if (Clock::now().time_since_epoch().count() < due_.load(std::memory_order_relaxed)) return;
        show(progress);
    };
}

void ProgressLine::show(const Progress& progress) {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock || ended_) return;
    const Clock::time_point now = Clock::now();
    if (!shown_ || progress.stage != stage_first_.stage) {
        stage_first_ = progress;
        stage_begin_ = now;
    }
    due_.store((now + interval).time_since_epoch().count(), std::memory_order_relaxed);
    fmt::print(stderr, "{}fgread: {}", erase_line,
               progress_text(progress, stage_first_, now - stage_begin_));
    std::fflush(stderr);
    shown_ = true;
}

void ProgressLine::erase() {
    const std::lock_guard lock(mutex_);
    if (shown_) {
        std::fputs(erase_line, stderr);
        std::fflush(stderr);
    }
    ended_ = true;
    shown_ = false;
}

}  // namespace fgread::tools
