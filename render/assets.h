// The scripts and styles of render/assets, which the build turns into constants.
#pragma once

#include <string_view>

namespace fgread::assets {

extern const std::string_view flamegraph_css;
extern const std::string_view flamegraph_js;
extern const std::string_view page_css;
extern const std::string_view page_js;
// d3-flame-graph and the parts of d3 it uses, with their licences, as one script.
extern const std::string_view vendor_js;

}  // namespace fgread::assets
