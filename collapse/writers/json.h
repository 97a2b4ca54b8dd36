// Profiles as JSON, for programs: doc/formats.md names the keys, which are stable.
#pragma once

#include "collapse/folded_profile.h"
#include "render/text_sink.h"

namespace fgread {

// One document: events, each distinct frame once, then the stacks. False if the sink wanted no
// more.
bool write_json(const FoldedProfile& folded, const TextSink& sink);

// A line for each distinct stack and event, complete in itself. False if the sink wanted no more.
bool write_json_lines(const FoldedProfile& folded, const TextSink& sink);

}  // namespace fgread
