// Which events of a recording are folded.
#pragma once

#include <string>
#include <vector>

#include "collapse/profile.h"
#include "perfdata/sample.h"

namespace fgread {

// By attr: those that `event` (see FoldOptions) asks for; if it is empty, the first one that has
// samples. A part of `event` is a name or a glob of fnmatch(3); none at all if some part matches
// nothing. The events of the two kinds of processors of a hybrid CPU are one: "cpu_core/cycles/"
// and "cpu_atom/cycles/" go together and answer to "cycles".
std::vector<bool> select_events(const std::vector<EventAttr>& attrs, const Profile& profile,
                                const std::string& event);

}  // namespace fgread
