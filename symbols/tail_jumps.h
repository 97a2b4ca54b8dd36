// TailJumps: functions of stripped code that nobody calls, but that others jump to as the last
// thing they do: musl's qsort() is a jump to qsort_r().
#pragma once

#include <cstdint>
#include <vector>

#include "perfdata/byte_reader.h"
#include "unwind/x86_decoder.h"

namespace fgread {

// Of one piece of code. Told of all its instructions, in the order of their addresses.
class TailJumps {
public:
    void add(const x86_64::Instruction& instruction, std::uint64_t address);

    // Where functions begin that are only jumped to, besides those that are known to begin at
    // `starts` (sorted): a jump that leaves its function's code, where that has no frame any more
    // (or none yet: a function's cold part has it still), leads there, and no instruction runs
    // into it from above. Sorted. `code` is all of the code, from the address `base` on. Decodes
    // once more what such jumps are in, up to the jump.
    [[nodiscard]] std::vector<std::uint64_t> targets(
        x86_64::X86Decoder& decoder, ByteView code, std::uint64_t base,
        const std::vector<std::uint64_t>& starts) const;

private:
    struct Jump {
        std::uint64_t from = 0, to = 0;
    };
    std::vector<Jump> jumps_;
    // What stands before an instruction. Padding behind a call says that it may not come back, as
    // that of __stack_chk_fail() at the end of musl's functions.
    enum class Before : std::uint8_t { other, end, call, padded_call };

    std::vector<std::uint64_t> behind_ends_;  // and behind their padding
    Before before_ = Before::other;
};

}  // namespace fgread
