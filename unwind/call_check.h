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

// How much the call must say of whom it calls.
enum class CallTrust : std::uint8_t {
    named,             // a function that begins with push %rbp, and that the callee's pc is in
    named_or_unknown,  // that, or nothing: indirect calls and stubs name nobody
    any,               // whoever is called
};

// Whether the call before `back` may have led to the pc `callee`, in a function that keeps a frame
// pointer. Where the call cannot be read (a JIT's), nothing speaks against it.
[[nodiscard]] bool may_have_called(ModuleProvider& provider, const ReturnPlace& back,
                                   std::uint64_t callee, CallTrust trust);

}  // namespace fgread::x86_64
