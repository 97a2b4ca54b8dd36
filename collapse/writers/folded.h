// Folded stacks: one line per distinct stack, `root;...;leaf weight`, as every flame graph
// renderer reads them (FlameGraph's stackcollapse scripts defined the form).
#pragma once

#include "collapse/folded_profile.h"
#include "collapse/frame_names.h"
#include "collapse/name_tree.h"
#include "render/text_sink.h"

namespace fgread {

// Writes the lines sorted by the bytes of their stacks; stacks of weight 0 are left out. False if
// the sink wanted no more.
bool write_folded(const NameTree& tree, const FrameNames& names, const TextSink& sink);
// The same of name_tree(folded), made by folded.jobs threads where there are several roots. The
// sink is called by the caller's.
bool write_folded(const FoldedProfile& folded, const TextSink& sink);

}  // namespace fgread
