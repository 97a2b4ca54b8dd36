// RuleStore: the distinct rules of one module. Compilers repeat themselves: a million rows of
// librustc_driver hold 1,200 different ones.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "unwind/cfa_program.h"
#include "unwind/unwind_rule.h"

namespace fgread {

// The row a rule was made of.
[[nodiscard]] CfaRow row_of(const UnwindRule& rule);

// Numbers are u16, 0 is "no rule". intern() is for one thread at a time; a number may be looked up
// by any thread that got it through something released after intern() returned.
class RuleStore {
public:
    static constexpr std::uint16_t never_used = 0xffff;  // as a number

    // The number of this row's rule, new or known; 0 when all numbers are taken.
    [[nodiscard]] std::uint16_t intern(const CfaRow& row, const Cie& cie);

    // Null for 0. Rules never move.
    [[nodiscard]] const UnwindRule* operator[](std::uint16_t number) const {
        return number == 0 ? nullptr : &(*chunks_[number / chunk_size])[number % chunk_size];
    }

    // Distinct rules so far.
    [[nodiscard]] std::size_t size() const { return next_ - 1; }

private:
    static constexpr std::size_t chunk_size = 128;
    static constexpr std::size_t max_rules = never_used;
    using Chunk = std::array<UnwindRule, chunk_size>;

    void grow();
    void enter(std::uint16_t number);

    std::array<std::unique_ptr<Chunk>, max_rules / chunk_size + 1> chunks_;
    std::uint32_t next_ = 1;
    // Open addressing, at most half full.
    std::vector<std::uint16_t> slots_;   // numbers; 0 is free
    std::vector<std::uint64_t> hashes_;  // by number
};

}  // namespace fgread
