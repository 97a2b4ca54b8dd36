// Test support: the rule at a pc, found the slow and simple way: every FDE of the section is read,
// and the best one's program run from its start.
#pragma once

#include <cstdint>
#include <optional>

#include "unwind/cfa_program.h"
#include "unwind/cfi.h"

namespace fgread::test {

struct NaiveRule {
    CfaRow row;
    Cie cie;
};

// Of the FDEs that cover pc: the one with the largest start, then the smallest end, then the last.
std::optional<NaiveRule> naive_rule(const CfiSection& section, std::uint64_t pc);

bool same_rule(const NaiveRule& naive, const UnwindRule& rule);

}  // namespace fgread::test
