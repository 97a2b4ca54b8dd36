// fold_recording: the whole job, from a perf.data file to folded text.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "collapse/aggregate.h"
#include "collapse/event_selection.h"
#include "collapse/fold_stats.h"
#include "collapse/folded_profile.h"
#include "collapse/frame_names.h"
#include "collapse/off_cpu.h"
#include "collapse/stack_filter.h"
#include "collapse/stack_shape.h"
#include "collapse/time_slices.h"
#include "perfdata/result.h"
#include "render/text_sink.h"
#include "symbols/debuginfod.h"
#include "symbols/symbolizer.h"

namespace fgread {

// Whether FoldStats::modules is filled.
enum class ModuleDetail : std::uint8_t {
    never,          // nobody will look at it
    where_missing,  // if a module was not found or a frame has no name
    always,         // also with what rules and debug information there was
};

struct FoldOptions {
    AggregateOptions aggregate;
    NamingOptions naming;
    SymbolizerOptions symbols;
    std::string symfs;                           // see ModuleSources
    std::string kallsyms;                        // see ModuleSources
    std::string vmlinux;                         // see ModuleSources
    std::vector<std::string> debug_directories;  // see ModuleSources
    std::vector<std::string> archives;           // absolute paths, see BinaryArchive
    std::shared_ptr<Debuginfod> debuginfod;      // null: nothing is fetched
    std::string perf_map_directory;              // see ModuleSources
    // Names or globs, with commas between; empty: the first attr that has samples, or all of them
    // where stacks are grouped by event.
    std::string event;
    TimeKind time = TimeKind::recorded;  // else it chooses the events
    bool weigh_by_samples = false;       // else by period
    Slicing slicing;                     // the output is one for each slice
    StackFilter filter;                  // which stacks are shown; was checked
    StackShape shape;                    // of folded text and pictures
    bool show_lost = false;              // a root of what was not recorded, see lost_stacks.h
    bool flamegraph_names = false;       // see flamegraph_tree(); wants NameStyle::perf
    // How the user began this, the program's name first, for the commands that remedies are; empty:
    // "fgread FILE".
    std::vector<std::string> command;
    MemoryLimit max_memory;  // of the whole process
    ModuleDetail module_detail = ModuleDetail::where_missing;
};

// True if the times of the recording are those of jitdumps (perf record -k mono).
bool has_monotonic_clock(const PerfFile& file);

// Makes the filter's times absolute and checks that the samples say what is asked of them (their
// processor, their control group). Reads the recording once more where it does not say when it
// began and ended; that is an error for one that comes through a pipe.
Result<void> prepare_selection(const PerfFile& file, AggregateOptions& options);

// Where binaries may come from for this recording, by what its features say of its machine.
ModuleSources module_sources(const PerfFile& file, const std::string& symfs,
                             const std::string& kallsyms);

// Called once all is written, with everything still in memory. A program that has nothing else to
// do may leave from here by std::exit(): giving tables and modules back piece by piece takes 16 ms
// of 400 for a recording of 1 GB.
using FoldEnd = std::function<void(const FoldStats& stats)>;

// Reads `path` and hands what was folded to `write`, once, or for each slice in turn. Fails if
// nothing could be read; damaged input is folded up to the damage and shows in
// FoldStats::diagnostics. Where it does not fail it calls `end` last, if there is one.
Result<FoldStats> fold_recording(const std::string& path, const FoldOptions& options,
                                 const ProfileWriter& write, const FoldEnd& end = {});

// The same, with folded stacks written to `sink`.
Result<FoldStats> fold_recording(const std::string& path, const FoldOptions& options,
                                 const TextSink& sink);

}  // namespace fgread
