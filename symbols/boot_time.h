// When this machine was started.
#pragma once

#include <cstdint>

namespace fgread {

// Wall-clock time in ns.
[[nodiscard]] std::uint64_t booted_at_ns();

}  // namespace fgread
