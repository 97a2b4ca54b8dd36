// An interactive flame graph as one SVG document.
#pragma once

#include "render/frame_tree.h"
#include "render/picture.h"
#include "render/text_sink.h"

namespace fgread {

// Any viewer of SVG shows the still picture; a browser also hovers, zooms, searches, follows the
// window's width and links to what it shows. The document needs nothing from elsewhere. A tree
// without weight gives a small picture that says so.
Picture write_svg(const FrameTree& tree, const PictureOptions& options, const TextSink& sink);

}  // namespace fgread
