// FoldStats: what was in a recording and what became of it; everything --stats shows.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "collapse/frame_names.h"
#include "collapse/off_cpu.h"
#include "collapse/profile.h"
#include "collapse/repeated_commands.h"
#include "perfdata/coverage.h"
#include "perfdata/reader.h"
#include "symbols/module_cache.h"

namespace fgread {

struct EventStats {
    std::string name;
    std::uint64_t samples = 0;
    std::uint64_t period = 0;
    bool folded = false;     // part of the output
    std::uint64_t lost = 0;  // samples that were not recorded; of all kinds, if only LOST tells
};

struct ModuleStats {
    std::string path;   // as recorded
    std::string state;  // module_state_key()
    std::string fault;  // if that is "unreadable": what is wrong with the file
    std::string recorded_build_id;
    std::string file_build_id;    // of the file found, if any
    std::string file;             // the file used, if any
    std::string debug_file;       // separate debug file used, if any
    std::uint64_t samples = 0;    // with at least one frame in it
    std::uint64_t stopped = 0;    // whose walk ended in it before the stack's end
    std::uint64_t truncated = 0;  // part of stopped: the dump ended there
    std::uint64_t no_cfi = 0;     // part of stopped: no rule for the address
    std::uint64_t unnamed = 0;    // with at least one frame in it that has no name
    std::string why;              // of the unnamed ones: name_gap_key()
    std::string why_text;         // the same for people
    std::string remedy;           // what gives them names, in words; empty if nothing does
    std::string command;          // the same for a shell, in one line; empty if there is none
    // False if the file was used and has none: inlined functions are not shown.
    bool debug_info = true;
};

// What is known of the kernel's names; says something if a sample has frames of the kernel.
struct KernelStats {
    bool sampled = false;
    KernelListing listing;
    std::string file;  // the vmlinux that is used; empty: none
};

struct FoldStats {
    std::uint64_t file_bytes = 0;
    Coverage coverage;  // how much of the file could be read
    RepeatedCommands commands;
    std::uint64_t records = 0;
    std::uint64_t samples = 0;
    std::uint64_t lost_events = 0;
    std::uint64_t guest_samples = 0;
    std::uint64_t filtered_samples = 0;
    std::uint64_t processes = 0;
    std::uint64_t frames = 0;
    std::uint64_t frame_pointer_frames = 0;  // of them, found by frame pointers
    std::uint64_t analysed_frames = 0;       // of them, found by decoding code without rules
    std::uint64_t chain_frames = 0;          // of them, known from the kernel's chain alone
    // Of them, where no .eh_frame had a rule: by these. Only with ModuleDetail::always.
    std::uint64_t debug_frame_frames = 0, arm_exidx_frames = 0, sframe_frames = 0;
    std::uint64_t stitched_frames = 0;  // of `frames`, taken from other samples of the thread
    std::uint64_t longer_samples = 0;   // still truncated, but with some of those frames
    std::uint64_t distinct_frames = 0;
    std::uint64_t distinct_stacks = 0;
    std::array<std::uint64_t, stop_reason_count> stop_reasons{};
    std::vector<EventStats> events;
    bool has_call_graphs = true;        // false: the recording was made without -g
    OffCpuStats off_cpu;                // if it was wanted
    std::uint32_t dump_bytes = 0;       // of stack that a sample was to copy; 0: none
    DepthStats depths;                  // if AggregateOptions::stack_depths
    std::uint64_t unnamed_samples = 0;  // with at least one frame that has no name
    std::vector<ModuleStats> modules;   // by samples, then path
    KernelStats kernel;                 // if `modules` are
    Diagnostics diagnostics;
};

// Adds up what each module's frames weigh, and finds out why those without a name have none.
// `inlines`: say where debug information for inlined functions is missing. Fills stats.modules,
// stats.kernel and stats.unnamed_samples; what is to be done, by stats.commands. Cost: one visit
// per node of each distinct stack; reads the headers of files again.
void add_module_stats(const Profile& profile, const FrameNames& names, const ModuleCache& modules,
                      bool inlines, FoldStats& stats);

// Stacks that the dump cut, whether they were stitched or not.
std::uint64_t cut_stacks(const FoldStats& stats);

// For people, several lines.
std::string stats_text(const FoldStats& stats);
// One JSON object; keys are documented in doc/stats.md and stable.
std::string stats_json(const FoldStats& stats);

}  // namespace fgread
