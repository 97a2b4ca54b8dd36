// Frame: one place in a call chain, independent of process and time.
#pragma once

#include <compare>
#include <cstdint>

#include "perfdata/address.h"

namespace fgread {

// Dense number of a module (a binary, the vdso, the kernel, a JIT region ...), given out by the
// ModuleProvider. 0 is the module of addresses that no mapping covers.
struct ModuleId {
    std::uint32_t value = 0;
    friend constexpr auto operator<=>(const ModuleId&, const ModuleId&) = default;
};

enum class FrameKind : std::uint8_t {
    exact,           // the address that was executing: a sampled pc, or one a signal interrupted
    return_address,  // the address after a call: names and lines are looked up one byte before
};

struct Frame {
    ModuleId module;
    FrameKind kind = FrameKind::exact;
    std::uint64_t offset = 0;  // SVMA in a known module, else the AVMA

    // The address to look up rules, symbols and lines with. The only place that subtracts 1 from
    // a return address: a call may be the last instruction of its function.
    [[nodiscard]] constexpr std::uint64_t lookup_offset() const {
        return kind == FrameKind::return_address ? offset - 1 : offset;
    }
    friend constexpr auto operator<=>(const Frame&, const Frame&) = default;
};

}  // namespace fgread
