// What the user can do about what a recording lacks, by how many samples gain.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "collapse/fold_stats.h"

namespace fgread {

struct Remedy {
    std::uint64_t samples = 0;  // up to so many gain: a sample may lack several things
    std::string what;           // "stacks cut at 8192 bytes"
    std::string action;         // in words, safe for a terminal
    std::string command;        // the same for a shell, in one line; empty if there is none
};

// How many a report names.
inline constexpr std::size_t max_remedies = 3;

// The `count` most useful remedies, those that help the most samples first. Needs
// FoldStats::modules, and FoldStats::depths to choose a dump size.
[[nodiscard]] std::vector<Remedy> best_remedies(const FoldStats& stats, std::size_t count);

// The smallest dump that would have held 95 % of the stacks for all that is known, else the
// largest possible one (bytes).
[[nodiscard]] std::uint32_t advised_dump_bytes(const FoldStats& stats);

// Dumps larger than the recording's, by doubling it (bytes).
[[nodiscard]] std::vector<std::uint32_t> larger_dumps(std::uint32_t dump_bytes);

}  // namespace fgread
