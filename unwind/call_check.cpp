#include "unwind/call_check.h"

#include <array>

#include "unwind/frame_pointer.h"
#include "unwind/x86_64.h"

namespace fgread::x86_64 {
namespace {

// From a function's start to a pc in it, where nobody knows what function that is in. Leaves that
// are called by a function with a frame mostly lie farther from it: 5 to 17 KiB in node and git.
// Few functions are larger than the second.
constexpr std::uint64_t longest_leaf = 1u << 12, longest_function = 1u << 16;

// Whether symbols say that the pc is in the function that begins there.
bool is_in(ModuleProvider& provider, const ReturnPlace& back, std::uint64_t pc, Svma start) {
    const auto function = provider.function_at(back.module, Svma{pc - back.bias});
    return function && function->is_end_known && function->start == start;
}

}  // namespace

bool may_have_called(ModuleProvider& provider, const ReturnPlace& back, std::uint64_t callee,
                     CallTrust trust) {
    const auto code = provider.read_word(back.module, Svma{back.pc - back.bias - 8});
    if (!code) return trust != CallTrust::named;
    const CallBefore call = call_before(*code);
    if (call.kind == CallBefore::no_call) return false;
    if (trust == CallTrust::any) return true;
    const bool may_be_unknown = trust == CallTrust::unknown;
    if (call.kind == CallBefore::indirect) return may_be_unknown;

    const std::uint64_t target = back.pc + static_cast<std::uint64_t>(call.distance);
    const Svma start{target - back.bias};
    const auto first = provider.read_word(back.module, start);
    if (!first) return false;
    const auto second = provider.read_word(back.module, Svma{start.value + 8});
    const std::array<std::uint64_t, 2> begins{*first, second.value_or(0)};
    if (callee - target < longest_function) {
        const std::uint64_t near = may_be_unknown ? longest_function : longest_leaf;
        return makes_frame(begins) &&
               (callee - target < near || is_in(provider, back, callee, start));
    }
    return may_be_unknown && is_stub(begins);
}

}  // namespace fgread::x86_64
