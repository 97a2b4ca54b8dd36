#include "unwind/call_check.h"

#include <array>

#include "unwind/frame_pointer.h"
#include "unwind/x86_64.h"

namespace fgread::x86_64 {
namespace {

// From a function's start to a pc in it. Few functions are larger.
constexpr std::uint64_t longest_function = 1u << 20;

}  // namespace

bool may_have_called(ModuleProvider& provider, const ReturnPlace& back, std::uint64_t callee,
                     CallTrust trust) {
    const auto code = provider.read_word(back.module, Svma{back.pc - back.bias - 8});
    if (!code) return true;
    const CallBefore call = call_before(*code);
    if (call.kind == CallBefore::no_call) return false;
    if (trust == CallTrust::any) return true;
    if (call.kind == CallBefore::indirect) return trust == CallTrust::named_or_unknown;

    const std::uint64_t target = back.pc + static_cast<std::uint64_t>(call.distance);
    const Svma start{target - back.bias};
    const auto first = provider.read_word(back.module, start);
    if (!first) return false;
    const auto second = provider.read_word(back.module, Svma{start.value + 8});
    const std::array<std::uint64_t, 2> begins{*first, second.value_or(0)};
    if (callee - target < longest_function) return pushes_frame_pointer(begins);
    return trust == CallTrust::named_or_unknown && is_stub(begins);
}

}  // namespace fgread::x86_64
