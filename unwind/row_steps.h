// RowSteps: what call-frame instructions made of rows, remembered. Functions begin and end alike:
// of 315,000 steps from row to row in compilers and other large programs, 9,000 are distinct.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "perfdata/byte_reader.h"
#include "unwind/cfa_program.h"
#include "unwind/cfi.h"
#include "unwind/rule_store.h"

namespace fgread {

// Of one section. Not thread-safe: the owner locks.
class RowSteps {
public:
    // Both must outlive this object.
    RowSteps(const CfiSection& section, RuleStore& rules) : section_(section), rules_(rules) {}

    // Rows are named by the numbers of their rules, except the one that all FDEs of a CIE begin
    // with: it may be the row of no address, and such have no number.
    static constexpr std::uint16_t initial = 0;

    // What the steps of one CIE have in common.
    struct Start {
        std::uint16_t number = 0;           // of the CIE, from 1
        std::optional<CfaRow> row;          // nothing: the CIE's instructions are malformed
        std::optional<std::uint16_t> rule;  // of `row`, once it was the row of an address
    };
    // Valid until the next call.
    Start& start_of(const Cie& cie);

    // The number of a row's rule; 0 if there are no more numbers.
    [[nodiscard]] std::uint16_t rule_of(std::uint16_t row, Start& start, const Cie& cie) {
        return row != initial ? row : initial_rule(start, cie);
    }

    // Longer runs of instructions are not remembered. Six registers saved at once take 15 bytes.
    static constexpr std::size_t max_bytes = 16;
    // Some instructions, none of which moves the location, and zeros, which do nothing, after them.
    struct Run {
        std::uint64_t low = 0, high = 0;
        friend bool operator==(const Run&, const Run&) = default;
    };

    // The row that `run` makes of `from`; `bytes` are its instructions in the section. 0 if that is
    // for a CfaProgram to find out: they are malformed, or there are no more numbers.
    [[nodiscard]] std::uint16_t step(std::uint16_t from, const Run& run, ByteView bytes,
                                     const Start& start, const Cie& cie) {
        const Step step{run, from | std::uint32_t{start.number} << 16, 0};
        const std::size_t place = place_of(step);
        if (known_[place].is_same(step)) return known_[place].to;
        if (known_[place ^ 1].is_same(step)) return known_[place ^ 1].to;
        return learn(step, bytes, start, cie);
    }

    [[nodiscard]] const CfiSection& section() const { return section_; }

private:
    // Distinct CIEs whose initial rules (1 KiB each) are kept.
    static constexpr std::size_t max_starts = 256;
    // Powers of two. Most modules have 500 distinct steps, large ones 3,000; more replace others.
    static constexpr std::size_t first_places = 512;
    static constexpr std::size_t most_places = 8192;

    struct Step {
        Run run;
        std::uint32_t before = 0;  // number of the row, and of the CIE; 0 is free
        std::uint16_t to = 0;
        [[nodiscard]] bool is_same(const Step& other) const {
            return run == other.run && before == other.before;
        }
    };

    std::uint16_t initial_rule(Start& start, const Cie& cie);
    std::uint16_t learn(Step step, ByteView bytes, const Start& start, const Cie& cie);
    void make_room(std::size_t places);
    void enter(const Step& step);
    // The first of its two places, of which the other's number is one more or less.
    [[nodiscard]] std::size_t place_of(const Step& step) const {
        constexpr std::uint64_t multiplier = 0x9e3779b97f4a7c15u;
        const std::uint64_t half = (step.run.low + step.before) * multiplier;
        const std::uint64_t hash = ((half ^ half >> 32) + step.run.high) * multiplier;
        return (hash >> 32) & mask_;
    }

    const CfiSection& section_;
    RuleStore& rules_;
    std::unordered_map<std::uint64_t, Start> starts_;  // by CIE offset
    std::vector<Step> known_;
    std::size_t mask_ = 0;  // known_.size() - 1
    std::size_t learnt_ = 0;
};

// Runs the instructions of an FDE as CfaProgram does, but has the numbers of rules instead of rows.
// Views its arguments: they must outlive it.
class NumberedRows {
public:
    NumberedRows(RowSteps& steps, RowSteps::Start& start, const Cie& cie, const Fde& fde);

    enum class Status : std::uint8_t {
        row,      // rule() holds in [row_start(), row_end())
        done,     // no more rows
        unusual,  // the FDE is for a CfaProgram, from its start on
    };
    Status next_row();

    // Number of the row's rule, 0 if there are no more numbers.
    [[nodiscard]] std::uint16_t rule() { return steps_.rule_of(row_, start_, cie_); }
    [[nodiscard]] std::uint64_t row_start() const { return row_start_; }
    [[nodiscard]] std::uint64_t row_end() const { return location_; }
    // Instructions run so far.
    [[nodiscard]] std::uint32_t instruction_count() const { return count_; }

private:
    bool run_some();
    bool advance(std::uint64_t factored);
    bool step();
    [[nodiscard]] std::uint8_t byte(std::size_t at) const {
        return load_unchecked<std::uint8_t>(code_.data() + at, Endian::little);
    }

    RowSteps& steps_;
    RowSteps::Start& start_;
    const Cie& cie_;
    ByteView code_;
    std::size_t readable_;  // bytes from the start of the instructions to the end of the section
    std::size_t at_ = 0;
    std::uint64_t location_;
    std::uint64_t row_start_;
    std::uint64_t end_;
    std::uint32_t count_ = 0;
    std::uint16_t row_ = RowSteps::initial;
    std::uint8_t remembered_count_ = 0;
    std::array<std::uint16_t, max_remembered_states> remembered_;
};

}  // namespace fgread
