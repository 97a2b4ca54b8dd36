// What fgread says on stderr about a folded recording.
#pragma once

#include <string>
#include <vector>

#include "collapse/fold_stats.h"
#include "symbols/debuginfod.h"

namespace fgread::tools {

// Warnings, each one line without the tool's name: damage, missing and differing binaries, events
// left out, kernel names that cannot be had, each with its remedy. Empty if there is nothing.
// `binaries_hint` ends what is said of binaries.
std::vector<std::string> warnings(const FoldStats& stats, const std::string& binaries_hint);

// Where the missing binaries of the recording at `path` may come from. Looks for an archive beside
// it; `archive_given`: the user has one and it lacks some.
std::string binaries_hint(const std::string& path, bool archive_given);

// "13037 samples: 36.0 % complete, 64.0 % truncated; 22 with unnamed frames: 22 in libz.so.1
// (stripped)"
std::string summary(const FoldStats& stats);

// Shows on one line of the terminal (stderr) how far a fetch is; removes the line at its end.
void show_progress(const DebuginfodOptions::Progress& progress);

}  // namespace fgread::tools
