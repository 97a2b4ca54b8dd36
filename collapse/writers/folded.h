// Folded stacks: one line per distinct stack, `root;...;leaf weight`, as every flame graph
// renderer reads them (FlameGraph's stackcollapse scripts defined the form).
#pragma once

#include "collapse/frame_names.h"
#include "collapse/name_tree.h"
#include "render/text_sink.h"

namespace fgread {

// Writes the lines sorted by the bytes of their stacks; stacks of weight 0 are left out. False if
// the sink wanted no more. Up to `jobs` threads make the text, which is the same for any number of
// them; they call the sink one at a time. Each keeps up to 1 MiB of text.
bool write_folded(const NameTree& tree, const FrameNames& names, const TextSink& sink,
                  unsigned jobs = 1);

}  // namespace fgread
