#include "unwind/walk_trail.h"

namespace fgread {
namespace {

constexpr std::uint64_t word = 8;

bool says(const StackMemory& stack, std::uint64_t address, std::uint64_t value) {
    return stack.covers(address, word) && stack.word_unchecked(address) == value;
}

}  // namespace

std::optional<std::size_t> WalkTrail::leaves(std::size_t from, const StackMemory& stack) const {
    for (std::size_t at = from; at > 0; --at) {
        const Step& caller = steps[at - 1];
        if (!says(stack, caller.sp - word, caller.pc)) return at - 1;
        const std::uint64_t distance = steps[at].fp_distance * word;
        if (distance != 0 && !says(stack, caller.sp - distance, caller.fp)) return at - 1;
    }
    const bool ends = !end_word || says(stack, *end_word, 0);
    return ends ? std::nullopt : std::optional(std::size_t{0});
}

}  // namespace fgread
