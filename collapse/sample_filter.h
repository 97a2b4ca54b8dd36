// Which samples of a recording are folded: by process, thread, name, processor and time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "perfdata/result.h"
#include "perfdata/sample.h"

namespace fgread {

// Both ends belong to it.
struct NumberRange {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
};

// A piece of the recording's time: from and to in ns, or in parts of the time between the first
// and the last sample (0 to 1).
struct TimeSpan {
    bool relative = false;
    NumberRange ns{0, UINT64_MAX};
    double from = 0;
    double to = 1;
};

// Empty lists let everything pass; several that are not must all agree.
struct SampleFilter {
    std::vector<NumberRange> pids;
    std::vector<NumberRange> tids;
    std::vector<NumberRange> cpus;
    std::vector<std::string> comms;  // globs of fnmatch(3); any of them
    std::vector<TimeSpan> times;     // any of them

    [[nodiscard]] bool empty() const {
        return pids.empty() && tids.empty() && cpus.empty() && comms.empty() && times.empty();
    }
    // True if some span is relative: then resolve_times() must come before accepts().
    [[nodiscard]] bool needs_time_bounds() const;
    // Makes all spans absolute, for a recording whose samples have times from `first` to `last`.
    void resolve_times(std::uint64_t first, std::uint64_t last);

    // Thread-safe. All but the name, which is the caller's to look up.
    [[nodiscard]] bool accepts(const SampleView& sample) const;
    [[nodiscard]] bool accepts_comm(std::string_view comm) const;
};

// "7,12-15"; the error says what is wrong with it.
Result<std::vector<NumberRange>> parse_number_list(std::string_view text);

// As perf script's --time: "A,B" in seconds as perf script prints them (either may be missing),
// "10%-20%", "10%/2" (the second tenth); several pieces: "A,B C,D", "0%-10%,30%-40%",
// "10%/1,10%/3".
Result<std::vector<TimeSpan>> parse_time_spans(std::string_view text);

}  // namespace fgread
