// A profile in speedscope's file format.
// https://www.speedscope.app/file-format-schema.json
#pragma once

#include "collapse/folded_profile.h"
#include "render/text_sink.h"

namespace fgread {

// A "sampled" profile for each root (thread name, pid or tid, as grouped) and event, with a sample
// for each distinct stack and its weight: the time order of samples is not known any more, so
// speedscope's "Time Order" shows stacks by their first appearance. False if the sink wanted no
// more.
bool write_speedscope(const FoldedProfile& folded, const TextSink& sink);

}  // namespace fgread
