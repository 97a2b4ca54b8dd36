#include "collapse/memory_limit.h"

#include <fmt/format.h>

#include "perfdata/resident_memory.h"

namespace fgread {

std::optional<Error> MemoryLimit::exceeded(const std::string& state) const {
    if (bytes_ == 0) return std::nullopt;
    const std::uint64_t resident = resident_memory();
    if (resident <= bytes_) return std::nullopt;
    constexpr double megabyte = 1 << 20;
    return Error{ErrorKind::limit,
                 fmt::format("needs more than the {:.0f} MiB of --max-memory: {:.0f} MiB {}; give "
                             "more, or choose less (--time, --pid, --no-inline, fewer --jobs)",
                             static_cast<double>(bytes_) / megabyte,
                             static_cast<double>(resident) / megabyte, state)};
}

}  // namespace fgread
