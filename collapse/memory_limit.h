// MemoryLimit: what a fold does to stay below --max-memory.
//
// What can be smaller becomes so: the read-ahead of streams, the tables of the workers (whose
// contents are in the Profile, too), the debug information that is used. What cannot, the distinct
// stacks and frames of the recording and the unwind and symbol tables of its binaries, ends the
// fold with an error once the process has outgrown the limit.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "perfdata/result.h"

namespace fgread {

class MemoryLimit {
public:
    MemoryLimit() = default;  // none
    explicit MemoryLimit(std::uint64_t bytes) : bytes_(bytes) {}

    explicit operator bool() const { return bytes_ != 0; }
    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
    // For the tables of all workers together; 0: no limit.
    [[nodiscard]] std::uint64_t for_worker_tables() const { return bytes_ / 8; }
    // For debug information; 0: no limit.
    [[nodiscard]] std::uint64_t for_debug_info() const { return bytes_ / 2; }

    // The error if the process takes more memory now; `state` says what it did so far. 5 us if
    // there is a limit. Thread-safe.
    [[nodiscard]] std::optional<Error> exceeded(const std::string& state) const;

private:
    std::uint64_t bytes_ = 0;
};

}  // namespace fgread
