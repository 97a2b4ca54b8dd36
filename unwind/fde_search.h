// find_fdes_at: the FDEs that cover one address, by one pass over the section.
//
// For the few addresses that .eh_frame_hdr does not know: reading all FDEs and sorting them, for an
// index of those it has left out, costs thirty times as much.
#pragma once

#include <cstdint>
#include <vector>

#include "unwind/fde_counts.h"
#include "unwind/fde_index.h"

namespace fgread {

struct FdesAt {
    // Those of scan_fdes(section) that cover the address, by rising offset.
    std::vector<FdePlace> fdes;
    // If there are none: the addresses around it that none covers (all stubs of a program have one
    // such gap).
    AddressRange gap;
};

// Adds all FDEs it meets to `counts`, which may be null. 5 ns per FDE.
[[nodiscard]] FdesAt find_fdes_at(const CfiSection& section, std::uint64_t pc, FdeCounts* counts);

}  // namespace fgread
