// The samples of a profile as the text of `perf script`, for programs that read that.
#pragma once

#include "collapse/folded_profile.h"
#include "render/text_sink.h"

namespace fgread {

// Each sample in the order of time, as perf 6.1 prints it without --fields: a line
// `comm tid [cpu] time: period event: `, of what the event's samples have; a line for each frame,
// innermost first, with the offset in the file (kernel: the address), the function and how far
// into it, and the file; an empty line. `pid/tid` where the grouping looks at processes or threads;
// no periods where samples are counted. Wants Profile::timeline, FrameNames::details(),
// NameStyle::perf and AggregateOptions::unknown_addresses. False if the sink wanted no more.
// Memory: the lines of each distinct frame once.
bool write_perf_script(const FoldedProfile& folded, const TextSink& sink);

}  // namespace fgread
