// What was not recorded, as stacks of one frame.
#pragma once

#include <string>
#include <vector>

#include "collapse/grouping.h"
#include "collapse/profile.h"
#include "perfdata/lost_events.h"
#include "perfdata/sample.h"

namespace fgread {

// Adds a root "[lost]" (below the event's name, where stacks are grouped by event) for each event
// that lost some, and its labels to `labels`, which has those of profile.groups. It weighs as many
// samples as were lost, each of the mean period of those that were not; of the attr's period, if it
// has one and none was recorded. Nobody knows whose they were. The totals of the events stay.
void add_lost_stacks(const LostEvents& lost, const std::vector<EventAttr>& attrs,
                     const Grouping& group_by, Profile& profile,
                     std::vector<std::vector<std::string>>& labels);

}  // namespace fgread
