// FoldedProfile: a recording, aggregated and named: all that a writer of any format starts from.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "collapse/frame_names.h"
#include "collapse/name_tree.h"
#include "collapse/profile.h"
#include "collapse/stack_shape.h"
#include "collapse/time_slices.h"
#include "perfdata/process_table.h"
#include "perfdata/sample.h"
#include "symbols/module_cache.h"

namespace fgread {

// What it refers to lives as long as the call that hands it out.
struct FoldedProfile {
    const std::vector<EventAttr>& attrs;
    const ProcessTable& processes;
    ModuleCache& modules;
    const Profile& profile;
    FrameNames& names;
    std::vector<std::vector<std::string>> group_labels;  // by Profile::groups: the root frames
    WeightChoice weights;
    StackShape shape;
    bool flamegraph_names = false;  // see flamegraph_tree()
    TimeSlice slice;                // which `profile` is of; count 0: of the whole recording
    unsigned jobs = 1;              // threads a writer may use, at least 1
};

using ProfileWriter = std::function<void(const FoldedProfile&)>;

// The stacks by name in the shape and with the weights that are wanted.
[[nodiscard]] NameTree name_tree(const FoldedProfile& folded);

// What the periods of an event count: "nanoseconds" of cpu-clock, task-clock and the time off CPU,
// else "count".
[[nodiscard]] std::string_view period_unit(const EventAttr& attr);

// What weights are, for people and programs: "samples", or the name and the unit of the event's
// period. Of several events, those of the first.
struct WeightUnit {
    std::string name;
    std::string_view unit;
};
[[nodiscard]] WeightUnit weight_unit(const FoldedProfile& folded);

}  // namespace fgread
