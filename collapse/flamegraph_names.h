// Names as stackcollapse-perf.pl tidies those of perf, for --compat flamegraph.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "collapse/name_tree.h"

namespace fgread {

// What becomes of a frame called `name`, outermost first: none if it begins
// with "(", one for each part between "->" (of which all but the first end with "_[i]"); without
// quotes and without what follows a "(", but for "(anonymous namespace)" and Go's "pkg.(*Type).f".
// `java`: the root frame begins with "java", so paths lose the "L" of Java's signatures.
[[nodiscard]] std::vector<std::string> flamegraph_names(std::string_view name, bool java);

// `tree` with all names but those of roots tidied; stacks that become equal are added up.
[[nodiscard]] NameTree flamegraph_tree(const NameTree& tree, FrameNames& names);

}  // namespace fgread
