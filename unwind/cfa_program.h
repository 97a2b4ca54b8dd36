// CfaProgram: runs the call-frame instructions of an FDE, row by row. DWARF 5, 6.4.2.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "perfdata/byte_reader.h"
#include "unwind/cfi.h"
#include "unwind/registers.h"
#include "unwind/unwind_rule.h"

namespace fgread {

// Real FDEs have at most some thousand instructions; a hostile one could have millions.
inline constexpr std::uint32_t max_cfa_instructions = 64 * 1024;
// Compilers nest remember_state once, hand-written code rarely deeper.
inline constexpr std::size_t max_remembered_states = 16;

// The row under construction: the CFA and every register this build tracks.
class CfaRow {
public:
    RegisterRule cfa;

    void set(unsigned reg, const RegisterRule& rule) {
        rules_[reg] = rule;
        specified_ |= std::uint64_t{1} << reg;
    }
    void clear(unsigned reg) { specified_ &= ~(std::uint64_t{1} << reg); }
    [[nodiscard]] bool has(unsigned reg) const { return (specified_ >> reg) & 1; }
    [[nodiscard]] const RegisterRule& operator[](unsigned reg) const { return rules_[reg]; }
    [[nodiscard]] std::uint64_t specified() const { return specified_; }

private:
    std::array<RegisterRule, RegisterFile::capacity> rules_;  // valid where specified_ says so
    std::uint64_t specified_ = 0;
};

// The rules all FDEs of a CIE start with; nothing if its instructions are malformed.
[[nodiscard]] std::optional<CfaRow> run_initial_instructions(const CfiSection& section,
                                                             const Cie& cie);

// Runs instructions none of which advances the location on `row`. `initial` is what
// run_initial_instructions gave for the CIE. False, with `row` in any state, if they are malformed.
[[nodiscard]] bool run_within_row(const CfiSection& section, const Cie& cie, ByteView instructions,
                                  const CfaRow& initial, CfaRow& row);

// Registers this build does not track (x87, AVX-512, hostile numbers) are decoded and dropped.
// Views its arguments: they must outlive it.
class CfaProgram {
public:
    // `initial` is what run_initial_instructions gave for the FDE's CIE.
    CfaProgram(const CfiSection& section, const Cie& cie, const Fde& fde, const CfaRow& initial)
        : CfaProgram(section, cie, fde.instructions, fde.start, fde.end, &initial) {}

    enum class Status : std::uint8_t {
        row,        // row() holds in [row_start(), row_end())
        done,       // no more rows
        malformed,  // nothing is known from row_start() on
    };
    // Runs to the next instruction that advances the location, or to the end.
    Status next_row();

    [[nodiscard]] const CfaRow& row() const { return row_; }
    [[nodiscard]] std::uint64_t row_start() const { return row_start_; }
    [[nodiscard]] std::uint64_t row_end() const { return location_; }
    // Instructions run so far.
    [[nodiscard]] std::uint32_t instruction_count() const { return count_; }

private:
    friend std::optional<CfaRow> run_initial_instructions(const CfiSection&, const Cie&);
    friend bool run_within_row(const CfiSection&, const Cie&, ByteView, const CfaRow&, CfaRow&);
    CfaProgram(const CfiSection& section, const Cie& cie, ByteView instructions,
               std::uint64_t start, std::uint64_t end, const CfaRow* initial);

    bool execute_one();
    bool execute_extended(std::uint8_t opcode);
    bool execute_location(std::uint8_t opcode);
    bool execute_cfa(std::uint8_t opcode);
    bool execute_register(std::uint8_t opcode);

    bool advance(std::uint64_t factored);
    bool set_location();
    bool restore_register(std::uint64_t reg);
    bool remember_state();
    bool restore_state();
    bool set_cfa(std::uint64_t reg, std::int64_t offset);
    bool set_cfa_register(std::uint64_t reg);
    bool set_cfa_offset(std::int64_t offset);
    void set_rule(std::uint64_t reg, const RegisterRule& rule);
    // A register this build does not track keeps its rule: its value is just never known.
    [[nodiscard]] std::uint16_t place_of(std::uint64_t reg) const {
        return section_.numbers.place_of(reg);
    }
    [[nodiscard]] std::int64_t factored(std::uint64_t value) const;
    [[nodiscard]] ByteView read_expression() { return reader_.bytes(reader_.uleb128()); }

    const CfiSection& section_;
    const Cie& cie_;
    ByteView instructions_;
    const CfaRow* initial_;  // null while the CIE's own instructions run
    ByteReader reader_;
    CfaRow row_;
    std::vector<CfaRow> remembered_;
    std::uint64_t location_;
    std::uint64_t row_start_;
    std::uint64_t end_;
    std::uint32_t count_ = 0;
    bool finished_ = false;
};

}  // namespace fgread
