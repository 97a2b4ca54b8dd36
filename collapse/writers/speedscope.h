// A profile in speedscope's file format.
// https://www.speedscope.app/file-format-schema.json
#pragma once

#include "collapse/folded_profile.h"
#include "render/text_sink.h"

namespace fgread {

// A "sampled" profile for each thread and event, its samples in the order of time; neighbours with
// one stack are one. The busiest thread is shown first. Wants Profile::timeline and
// FrameNames::details(). False if the sink wanted no more.
bool write_speedscope(const FoldedProfile& folded, const TextSink& sink);

}  // namespace fgread
