// A profile in pprof's format: profile.proto, gzipped.
// https://github.com/google/pprof/blob/main/proto/profile.proto
#pragma once

#include "collapse/folded_profile.h"
#include "render/text_sink.h"

namespace fgread {

// A sample for each distinct stack and event, with its number of samples and the sum of its
// periods; labels "comm", "event", and "pid", "tid", "cpu" where the grouping looks at them. A
// location for each distinct frame, with a line for each function inlined there. Wants
// FrameNames::details(). False if the sink wanted no more. Memory: one entry per distinct frame and
// name.
bool write_pprof(const FoldedProfile& folded, const TextSink& sink);

}  // namespace fgread
