// The parts of a chain that the kernel recorded: markers say whose the addresses behind them are.
#pragma once

#include <cstdint>
#include <vector>

#include "perfdata/record.h"
#include "perfdata/sample.h"

namespace fgread {

[[nodiscard]] inline bool is_guest(CpuMode mode) {
    return mode == CpuMode::guest_kernel || mode == CpuMode::guest_user;
}

// Of a marker (format::context_first_marker and up).
[[nodiscard]] CpuMode mode_of_marker(std::uint64_t marker);

// Not so of kernel threads: what branch records they carry are of whoever ran before.
[[nodiscard]] bool has_user_part(const U64View& chain);

// Fills `addresses` with the user part, the pc first, then return addresses. False if there is
// none.
bool take_user_part(const U64View& chain, std::vector<std::uint64_t>& addresses);

}  // namespace fgread
