// An interactive flame graph and a table of functions as one HTML page.
#pragma once

#include "render/frame_tree.h"
#include "render/picture.h"
#include "render/text_sink.h"

namespace fgread {

// The page works offline and asks for nothing: scripts (d3-flame-graph, which lays frames out in
// the browser, and our own) and data are in it. It needs scripts; without, it says so. A tree
// without weight gives a page that says so.
Picture write_html(const FrameTree& tree, const PictureOptions& options, const TextSink& sink);

}  // namespace fgread
