// How many samples each event of a recording has, and when they were taken, without their stacks.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "collapse/sample_filter.h"
#include "perfdata/reader.h"

namespace fgread {

struct SampleSurvey {
    std::vector<std::uint64_t> samples;  // by attr
    std::optional<NumberRange> times;    // of the first and the last, in ns; nothing without times
};

// Reads all of the recording (a GB takes about 0.2 s); leaves `scan` without
// chunks, and what can only be read once used up.
Result<SampleSurvey> survey_samples(const PerfFile& file, Scan& scan, Diagnostics& diagnostics);

}  // namespace fgread
