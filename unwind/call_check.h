// Whether a return address is what a call of the running function left: x86-64.
#pragma once

#include <cstdint>

#include "unwind/module_provider.h"

namespace fgread::x86_64 {

// A return address and the module it is in.
struct ReturnPlace {
    ModuleId module;
    std::uint64_t bias = 0;  // of its module's addresses
    std::uint64_t pc = 0;
};

// What the call may be. A leaf has no frame where its caller has one, whose frame pointer then
// leads past that caller: of the innermost frame the call must say more.
enum class CallTrust : std::uint8_t {
    named,          // to a function that makes a frame, and that the callee's pc is in
    named_or_lost,  // that, or code that cannot be read (a JIT's), as the callee's cannot
    unknown,        // these, or calls that name nobody: indirect ones, and by stubs
    any,            // whoever is called
};

// Whether the call before `back` may have led to the pc `callee`, in a function that keeps a frame
// pointer.
[[nodiscard]] bool may_have_called(ModuleProvider& provider, const ReturnPlace& back,
                                   std::uint64_t callee, CallTrust trust);

}  // namespace fgread::x86_64
