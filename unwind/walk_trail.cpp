#include "unwind/walk_trail.h"

namespace fgread {
std::optional<std::size_t> WalkTrail::leaves(std::size_t from, const StackWords& stack) const {
    constexpr std::uint64_t word = StackWords::word;
    for (std::size_t at = from; at > 0; --at) {
        const Step& caller = steps[at - 1];
        if (!stack.says(caller.sp - word, caller.pc)) return at - 1;
        const std::uint64_t distance = steps[at].fp_distance * word;
        if (distance != 0 && !stack.says(caller.sp - distance, caller.fp)) return at - 1;
    }
    const bool ends = !end_word || stack.says(*end_word, 0);
    return ends ? std::nullopt : std::optional(std::size_t{0});
}

}  // namespace fgread
