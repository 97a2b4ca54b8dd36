// analyse_function(): rules for code without call-frame information, by following its
// instructions from the first one on.
//
// Branches are followed, so that what an early return pops is not taken for popped behind it. Where
// two paths meet, what both agree on holds. Code that no path leads to is the target of a switch or
// a landing pad of an exception: it has the frame that the function's body has.
#pragma once

#include <cstdint>
#include <vector>

#include "perfdata/byte_reader.h"
#include "unwind/unwind_rule.h"
#include "unwind/x86_code_frame.h"

namespace fgread::x86_64 {

struct AnalysedFunction {
    // A row holds up to the next one.
    struct Row {
        std::uint32_t offset = 0;  // from the function's start
        std::uint16_t rule = 0;    // in rules, from 1; 0: not known
    };
    std::vector<Row> rows;
    std::vector<UnwindRule> rules;
    CodeFrame::Expressions expressions;  // of rules
    std::uint64_t steps = 0;             // instructions decoded or applied

    // Null if nothing is known.
    [[nodiscard]] const UnwindRule* find(std::uint64_t offset) const;
};

// Larger functions are not analysed. yyparse of a database has 100 KB.
inline constexpr std::size_t max_analysed_bytes = std::size_t{256} << 10;

// `code` is the function's, from its first instruction at `address`. Bounded: every instruction is
// decoded once and applied a few times. Some 1 us per instruction. If the code's end is not known,
// what is not reached may be another function, and nothing is guessed of it.
[[nodiscard]] AnalysedFunction analyse_function(X86Decoder& decoder, ByteView code,
                                                std::uint64_t address, bool is_end_known = true);

}  // namespace fgread::x86_64
