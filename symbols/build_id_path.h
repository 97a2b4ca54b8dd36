// Where files are kept by build-id.
#pragma once

#include <string>

#include "perfdata/address_space.h"

namespace fgread {

// Hexadecimal digits of an id, lower case; made here from raw bytes, so that nothing from a
// recording but digits enters a path. The zeros that old perf versions pad short ids with are
// kept: the caller tries what was recorded.

// "<root>/.build-id/ab/cdef....debug": separate debug files (/usr/lib/debug).
[[nodiscard]] std::string build_id_debug_path(const std::string& root, const BuildId& id);

// "<cache>/.build-id/ab/cdef.../<file>": perf's build-id cache (~/.debug); file is "elf",
// "debug", "vdso" or "kallsyms".
[[nodiscard]] std::string build_id_cache_path(const std::string& cache, const BuildId& id,
                                              const std::string& file);

}  // namespace fgread
