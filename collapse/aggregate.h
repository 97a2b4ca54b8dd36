// aggregate: from a recording to a Profile. Reads the chunks of the data section in parallel,
// walks every sample's stack and counts equal stacks.
#pragma once

#include "collapse/profile.h"
#include "perfdata/diagnostics.h"
#include "perfdata/reader.h"
#include "perfdata/result.h"
#include "unwind/module_provider.h"

namespace fgread {

struct AggregateOptions {
    GroupBy group_by = GroupBy::comm;
    bool hide_kernel = false;  // leave out kernel frames
    bool hide_user = false;    // leave out user frames
    // Keep the address of frames in no known module, which otherwise are all one frame.
    bool unknown_addresses = false;
    bool mark_truncated = false;  // truncated_mark below the group of stacks that the dump cut
    bool stack_depths = false;    // fill Profile::depths
    unsigned jobs = 0;            // threads; 0: as many as the machine has cores
    WalkLimits limits;
};

// The result is the same for every number of jobs. `file` and `scan` (of that file) and `modules`
// must outlive the call only; `modules` is called from several threads. Of a recording that comes
// in batches it takes all, so that `scan` is complete afterwards. Fails only if the file cannot be
// read any more.
Result<Profile> aggregate(const PerfFile& file, Scan& scan, ModuleProvider& modules,
                          const AggregateOptions& options, Diagnostics& diagnostics);

}  // namespace fgread
