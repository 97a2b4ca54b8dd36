// open_in_root: opens a path as a chroot to a directory would see it.
#pragma once

#include <string>

namespace fgread {

// A descriptor, or -1 and errno. `root` is a directory's descriptor, `flags` are those of open().
// No link leads out of the root: an absolute one begins at the root again, ".." stays below it.
int open_in_root(int root, const std::string& path, int flags);

// The same by following each link here: for kernels before 5.6, container sandboxes and valgrind,
// which refuse openat2. A link of /proc that is no path (a "magic link") leads nowhere.
int open_in_root_by_steps(int root, const std::string& path, int flags);

}  // namespace fgread
