// Whether a return address is what a call of the running function left: x86-64.
#pragma once

#include <cstdint>
#include <optional>

#include "unwind/module_provider.h"
#include "unwind/stack_memory.h"

namespace fgread::x86_64 {

// A pc and the module it is in.
struct CodePlace {
    ModuleId module;
    std::uint64_t bias = 0;  // of its module's addresses
    std::uint64_t pc = 0;
};

// What the call may be. A leaf has no frame where its caller has one, whose frame pointer then
// leads past that caller: of the innermost frame the call must say more.
enum class CallTrust : std::uint8_t {
    named,          // to a function that makes a frame, and that the callee's pc is in
    named_or_lost,  // that, or code that cannot be read (a JIT's), as the callee's cannot
    nameless,       // these, or indirect ones, which name nobody
    unknown,        // these, or by a stub: of a function that another module knows by its symbol
    any,            // whoever is called
};

// Whether the call before `back` may have led to the pc `callee`, in a function that keeps a frame
// pointer.
[[nodiscard]] bool may_have_called(ModuleProvider& provider, const CodePlace& back,
                                   std::uint64_t callee, CallTrust trust);

// Whether `stack`, from the stack pointer of the frame at `callee` to the frame `fp` that rbp leads
// to, holds the return address of another direct call, of a function nearer to `callee` than the
// one which the call before `back` led to: one that begins between that and `callee`. Such a
// function keeps no frame, and stands behind its caller: a leaf close to it, as what multiplies for
// glibc's printf, or one that calls others, as make's xstrdup(). Of the function that the pc is in
// this is never true, whatever old words its locals hold. Where the call before `back` names
// nobody, a function without a frame that begins within 4 KiB before `callee`. Nothing, which means
// no, if it took no look at the stack.
[[nodiscard]] std::optional<bool> is_nearer_called(ModuleProvider& provider, const CodePlace& back,
                                                   const CodePlace& callee,
                                                   const StackMemory& stack, std::uint64_t sp,
                                                   std::uint64_t fp);

}  // namespace fgread::x86_64
