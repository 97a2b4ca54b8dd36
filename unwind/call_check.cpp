#include "unwind/call_check.h"

#include <algorithm>
#include <array>
#include <optional>

#include "unwind/frame_pointer.h"
#include "unwind/x86_64.h"

namespace fgread::x86_64 {
namespace {

// From a function's start to a pc in it, where nobody knows what function that is in. Leaves that
// are called by a function with a frame mostly lie farther from it: 5 to 17 KiB in node and git.
// Few functions are larger than the second.
constexpr std::uint64_t longest_leaf = 1u << 12, longest_function = 1u << 16;

// Return addresses farther from the code they called are of another module.
constexpr std::uint64_t longest_module = 1u << 27;

// Of the stack that is searched for calls: a leaf saves a few registers.
constexpr std::uint64_t searched_stack = 1u << 10;

// The 16 code bytes at `address`; nothing if they cannot be read.
std::optional<std::array<std::uint64_t, 2>> code_at(ModuleProvider& provider, const CodePlace& near,
                                                    std::uint64_t address) {
    const Svma start{address - near.bias};
    const auto first = provider.read_word(near.module, start);
    if (!first) return std::nullopt;
    const auto second = provider.read_word(near.module, Svma{start.value + 8});
    return std::array{*first, second.value_or(0)};
}

bool begins_with_frame(ModuleProvider& provider, const CodePlace& near, std::uint64_t start) {
    const auto code = code_at(provider, near, start);
    return code && makes_frame(*code);
}

// What the call before a return address is.
std::optional<CallBefore> call_of(ModuleProvider& provider, const CodePlace& back) {
    const auto code = provider.read_word(back.module, Svma{back.pc - back.bias - 8});
    if (!code) return std::nullopt;
    return call_before(*code);
}

// Whether symbols say that the pc is in the function that begins there.
bool is_in(ModuleProvider& provider, const CodePlace& back, std::uint64_t pc, Svma start) {
    const auto function = provider.function_at(back.module, Svma{pc - back.bias});
    return function && function->is_end_known && function->start == start;
}

}  // namespace

bool may_have_called(ModuleProvider& provider, const CodePlace& back, std::uint64_t callee,
                     CallTrust trust) {
    const auto found = call_of(provider, back);
    if (!found) return trust != CallTrust::named;
    const CallBefore& call = *found;
    if (call.kind == CallBefore::no_call) return false;
    if (trust == CallTrust::any) return true;
    const bool may_be_unknown = trust == CallTrust::nameless || trust == CallTrust::unknown;
    if (call.kind == CallBefore::indirect) return may_be_unknown;

    const std::uint64_t target = back.pc + static_cast<std::uint64_t>(call.distance);
    const auto begins = code_at(provider, back, target);
    if (!begins) return false;
    if (callee - target < longest_function) {
        const std::uint64_t near = may_be_unknown ? longest_function : longest_leaf;
        return makes_frame(*begins) &&
               (callee - target < near || is_in(provider, back, callee, Svma{target - back.bias}));
    }
    return trust == CallTrust::unknown && is_stub(*begins);
}

std::optional<bool> is_nearer_called(ModuleProvider& provider, const CodePlace& back,
                                     const CodePlace& callee, const StackMemory& stack,
                                     std::uint64_t sp, std::uint64_t fp) {
    const auto call = call_of(provider, back);
    if (!call || call->kind == CallBefore::no_call) return std::nullopt;
    const bool is_named = call->kind == CallBefore::direct;
    const std::uint64_t outer =
        is_named ? back.pc + static_cast<std::uint64_t>(call->distance) : callee.pc - longest_leaf;
    const std::uint64_t end = std::min(fp, sp + searched_stack);
    for (std::uint64_t at = sp; at < end; at += sizeof(std::uint64_t)) {
        const auto word = stack.read_u64(at);
        if (!word || *word - callee.pc + longest_module >= 2 * longest_module) continue;
        const auto inner = call_of(provider, {callee.module, callee.bias, *word});
        if (!inner || inner->kind != CallBefore::direct) continue;
        const std::uint64_t start = *word + static_cast<std::uint64_t>(inner->distance);
        if (start <= outer || start > callee.pc) continue;
        if (is_named || !begins_with_frame(provider, callee, start)) return true;
    }
    return false;
}

}  // namespace fgread::x86_64
