// aggregate: from a recording to a Profile. Reads the chunks of the data section in parallel,
// walks every sample's stack and counts equal stacks.
#pragma once

#include "collapse/memory_limit.h"
#include "collapse/profile.h"
#include "collapse/progress.h"
#include "collapse/sample_filter.h"
#include "perfdata/diagnostics.h"
#include "perfdata/reader.h"
#include "perfdata/result.h"
#include "unwind/module_provider.h"

namespace fgread {

// Where the user part of a stack comes from.
enum class CallGraph : std::uint8_t {
    automatic,       // the first of the following that a sample has
    dwarf,           // the copy of its stack, unwound here
    lbr,             // the processor's branch records (perf record --call-graph lbr)
    frame_pointers,  // the chain the kernel recorded
    none,            // nothing: a stack is where the sample was, of the kernel's part too
};

struct AggregateOptions {
    CallGraph call_graph = CallGraph::automatic;
    Grouping group_by = {GroupBy::comm};
    SampleFilter filter;       // with absolute times
    bool hide_kernel = false;  // leave out kernel frames
    bool hide_user = false;    // leave out user frames
    bool guests = false;       // take the samples and frames of virtual machines' guests, too
    // Keep the address of frames in no known module, which otherwise are all one frame.
    bool unknown_addresses = false;
    bool mark_truncated = false;  // truncated_mark below the group of stacks that the dump cut
    bool stack_depths = false;    // fill Profile::depths
    bool timeline = false;        // fill Profile::timeline
    bool switches = false;        // fill Profile::switches and Profile::end
    bool stitch = true;           // complete stacks that the dump cut from others (StackStitcher)
    unsigned jobs = 0;            // threads; 0: as many as the machine has cores
    WalkLimits limits;
    MemoryLimit max_memory;
    // Bytes of the tables of all workers together, which hold again what the Profile holds; a
    // worker whose share is full begins new ones, which costs time and changes nothing. 0: 4 MiB
    // each, which costs none.
    std::uint64_t max_worker_tables = 0;
    ProgressObserver progress;  // may be empty
};

// How many threads AggregateOptions::jobs means here.
[[nodiscard]] unsigned wanted_threads(unsigned jobs);

// The result is the same for every number of jobs. `file` and `scan` (of that file) and `modules`
// must outlive the call only; `modules` is called from several threads. Of a recording that comes
// in batches it takes all, so that `scan` is complete afterwards. Fails only if the file cannot be
// read any more, or where more memory is needed than options.max_memory allows.
Result<Profile> aggregate(const PerfFile& file, Scan& scan, ModuleProvider& modules,
                          const AggregateOptions& options, Diagnostics& diagnostics);

}  // namespace fgread
