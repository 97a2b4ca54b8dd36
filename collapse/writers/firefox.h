// A profile in the format that the Firefox Profiler (profiler.firefox.com) opens: its "processed
// profile format", version 60; later versions of the program bring it up to date when they load it.
// https://github.com/firefox-devtools/profiler/blob/main/docs-developer/processed-profile-format.md
#pragma once

#include "collapse/folded_profile.h"
#include "render/text_sink.h"

namespace fgread {

// A track for each thread and event, with every sample and its time. Samples weigh milliseconds if
// the event counts time, else 1; what the event counted of processor time or cycles is the track's
// CPU use. Frames are named, so nothing is looked up elsewhere. Wants Profile::timeline and
// FrameNames::details(). False if the sink wanted no more.
bool write_firefox(const FoldedProfile& folded, const TextSink& sink);

}  // namespace fgread
