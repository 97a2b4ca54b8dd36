// The quality report: how much of a recording the output shows, and what would show more.
#pragma once

#include <cstdint>
#include <string>

#include "collapse/fold_stats.h"

namespace fgread {

struct Completeness {
    std::uint64_t stacks = 0;    // samples with a user stack, walked or recorded as a chain; all of
                                 // a recording without call graphs
    std::uint64_t complete = 0;  // of those, all that reached the start of their thread, also by
                                 // stitching, and chains, of which nobody knows
    // 100 if there are no stacks.
    [[nodiscard]] double percent() const;
};
[[nodiscard]] Completeness completeness(const FoldStats& stats);

// For people, several lines. Needs FoldStats::modules and ::depths.
[[nodiscard]] std::string report_text(const FoldStats& stats);
// The object of stats_json() and in it, under "report", what the report adds; doc/stats.md.
[[nodiscard]] std::string report_json(const FoldStats& stats);

}  // namespace fgread
