#include "collapse/chain_parts.h"

#include "perfdata/format.h"

namespace fgread {

CpuMode mode_of_marker(std::uint64_t marker) {
    switch (marker) {
        case format::context_hypervisor:
            return CpuMode::hypervisor;
        case format::context_kernel:
            return CpuMode::kernel;
        case format::context_user:
            return CpuMode::user;
        case format::context_guest:
        case format::context_guest_kernel:
            return CpuMode::guest_kernel;
        case format::context_guest_user:
            return CpuMode::guest_user;
        default:
            return CpuMode::unknown;
    }
}

bool has_user_part(const U64View& chain) {
    for (std::size_t i = 0; i < chain.size(); ++i) {
        if (chain[i] == format::context_user) return true;
    }
    return false;
}

bool take_user_part(const U64View& chain, std::vector<std::uint64_t>& addresses) {
    addresses.clear();
    CpuMode mode = CpuMode::unknown;
    for (std::size_t i = 0; i < chain.size(); ++i) {
        if (chain[i] == format::context_user_deferred) break;  // a cookie follows
        if (chain[i] >= format::context_first_marker) {
            mode = mode_of_marker(chain[i]);
        } else if (mode == CpuMode::user) {
            addresses.push_back(chain[i]);
        }
    }
    return !addresses.empty();
}

}  // namespace fgread
