// Opening a path as if some directory were the root of all.
#pragma once

#include <string>

namespace fgread {

// As openat2(2) with RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS does it: symbolic links, absolute ones
// too, and ".." never lead out of `root`. Returns a descriptor, or -1 with errno set.
[[nodiscard]] int open_in_root(const std::string& path, const std::string& root, int flags);

// The same without openat2, which kernels before 5.6, old container sandboxes and valgrind do not
// have: one openat(2) for each part of the path. `root` is a descriptor of the directory.
[[nodiscard]] int open_stepwise(const std::string& path, int root, int flags);

}  // namespace fgread
