#include "unwind/cfa_program.h"

#include "unwind/dwarf_constants.h"

namespace fgread {
namespace {

using namespace dwarf;

RegisterRule offset_rule(RuleKind kind, std::int64_t offset) {
    RegisterRule rule;
    rule.kind = kind;
    rule.offset = offset;
    return rule;
}

RegisterRule expression_rule(RuleKind kind, ByteView expression) {
    RegisterRule rule;
    rule.kind = kind;
    rule.expression = expression;
    return rule;
}

RegisterRule register_rule(std::uint16_t source, std::int64_t offset) {
    RegisterRule rule;
    rule.kind = RuleKind::in_register;
    rule.source = source;
    rule.offset = offset;
    return rule;
}

RegisterRule plain_rule(RuleKind kind) {
    RegisterRule rule;
    rule.kind = kind;
    return rule;
}

std::int64_t as_signed(std::uint64_t value) { return static_cast<std::int64_t>(value); }

}  // namespace

CfaProgram::CfaProgram(const CfiSection& section, const Cie& cie, ByteView instructions,
                       std::uint64_t start, std::uint64_t end, const CfaRow* initial)
    : section_(section),
      cie_(cie),
      instructions_(instructions),
      initial_(initial),
      reader_(instructions, section.endian),
      location_(start),
      row_start_(start),
      end_(end) {
    if (initial) row_ = *initial;
}

std::optional<CfaRow> run_initial_instructions(const CfiSection& section, const Cie& cie) {
    CfaProgram program(section, cie, cie.instructions, 0, ~std::uint64_t{0}, nullptr);
    for (;;) {
        const CfaProgram::Status status = program.next_row();
        if (status == CfaProgram::Status::malformed) return std::nullopt;
        if (status == CfaProgram::Status::done || program.finished_) return program.row_;
    }
}

bool run_within_row(const CfiSection& section, const Cie& cie, ByteView instructions,
                    const CfaRow& initial, CfaRow& row) {
    CfaProgram program(section, cie, instructions, 0, ~std::uint64_t{0}, &initial);
    program.row_ = row;
    if (program.next_row() != CfaProgram::Status::row) return false;
    row = program.row_;
    return true;
}

CfaProgram::Status CfaProgram::next_row() {
    row_start_ = location_;
    if (finished_ || location_ >= end_) return Status::done;
    while (!reader_.at_end()) {
        if (++count_ > max_cfa_instructions || !execute_one() || !reader_.ok()) {
            finished_ = true;
            return Status::malformed;
        }
        if (location_ != row_start_) {
            if (location_ > end_) location_ = end_;
            return Status::row;
        }
    }
    finished_ = true;
    location_ = end_;
    return Status::row;
}

bool CfaProgram::execute_one() {
    const std::uint8_t opcode = reader_.u8();
    const std::uint8_t low = opcode & 0x3f;
    switch (opcode & 0xc0) {
        case cfa_advance_loc:
            return advance(low);
        case cfa_offset:
            set_rule(low, offset_rule(RuleKind::at_cfa, factored(reader_.uleb128())));
            return true;
        case cfa_restore:
            return restore_register(low);
        default:
            return execute_extended(opcode);
    }
}

bool CfaProgram::execute_extended(std::uint8_t opcode) {
    switch (opcode) {
        case cfa_nop:
            return true;
        case cfa_set_loc:
        case cfa_advance_loc1:
        case cfa_advance_loc2:
        case cfa_advance_loc4:
        case cfa_mips_advance_loc8:
            return execute_location(opcode);
        case cfa_remember_state:
            return remember_state();
        case cfa_restore_state:
            return restore_state();
        case cfa_def_cfa:
        case cfa_def_cfa_sf:
        case cfa_def_cfa_register:
        case cfa_def_cfa_offset:
        case cfa_def_cfa_offset_sf:
        case cfa_def_cfa_expression:
            return execute_cfa(opcode);
        // They toggle whether the return address is signed. The walker needs not know: it looks at
        // the address.
        case cfa_aarch64_negate_ra_state:
        case cfa_aarch64_negate_ra_state_with_pc:
            return true;
        case cfa_gnu_args_size:  // for exceptions only: bytes of outgoing arguments
            (void)reader_.uleb128();
            return true;
        default:
            return execute_register(opcode);
    }
}

bool CfaProgram::execute_location(std::uint8_t opcode) {
    switch (opcode) {
        case cfa_set_loc:
            return set_location();
        case cfa_advance_loc1:
            return advance(reader_.u8());
        case cfa_advance_loc2:
            return advance(reader_.u16());
        case cfa_advance_loc4:
            return advance(reader_.u32());
        default:
            return advance(reader_.u64());
    }
}

bool CfaProgram::execute_cfa(std::uint8_t opcode) {
    switch (opcode) {
        case cfa_def_cfa: {
            const std::uint64_t reg = reader_.uleb128();
            return set_cfa(reg, as_signed(reader_.uleb128()));
        }
        case cfa_def_cfa_sf: {
            const std::uint64_t reg = reader_.uleb128();
            return set_cfa(reg, factored(static_cast<std::uint64_t>(reader_.sleb128())));
        }
        case cfa_def_cfa_register:
            return set_cfa_register(reader_.uleb128());
        case cfa_def_cfa_offset:
            return set_cfa_offset(as_signed(reader_.uleb128()));
        case cfa_def_cfa_offset_sf:
            return set_cfa_offset(factored(static_cast<std::uint64_t>(reader_.sleb128())));
        default:
            row_.cfa = expression_rule(RuleKind::is_expression, read_expression());
            return true;
    }
}

bool CfaProgram::execute_register(std::uint8_t opcode) {
    const std::uint64_t reg = reader_.uleb128();
    switch (opcode) {
        case cfa_offset_extended:
            set_rule(reg, offset_rule(RuleKind::at_cfa, factored(reader_.uleb128())));
            return true;
        case cfa_offset_extended_sf:
            set_rule(reg, offset_rule(RuleKind::at_cfa,
                                      factored(static_cast<std::uint64_t>(reader_.sleb128()))));
            return true;
        case cfa_gnu_negative_offset_extended:  // old PowerPC gcc: the offset is to be subtracted
            set_rule(reg, offset_rule(RuleKind::at_cfa, factored(0 - reader_.uleb128())));
            return true;
        case cfa_val_offset:
            set_rule(reg, offset_rule(RuleKind::cfa_offset, factored(reader_.uleb128())));
            return true;
        case cfa_val_offset_sf:
            set_rule(reg, offset_rule(RuleKind::cfa_offset,
                                      factored(static_cast<std::uint64_t>(reader_.sleb128()))));
            return true;
        case cfa_restore_extended:
            return restore_register(reg);
        case cfa_undefined:
            set_rule(reg, plain_rule(RuleKind::undefined));
            return true;
        case cfa_same_value:
            set_rule(reg, plain_rule(RuleKind::same_value));
            return true;
        case cfa_register:
            set_rule(reg, register_rule(place_of(reader_.uleb128()), 0));
            return true;
        case cfa_expression:
            set_rule(reg, expression_rule(RuleKind::at_expression, read_expression()));
            return true;
        case cfa_val_expression:
            set_rule(reg, expression_rule(RuleKind::is_expression, read_expression()));
            return true;
        default:
            return false;  // its operands are unknown, so nothing after it can be read
    }
}

bool CfaProgram::advance(std::uint64_t factored_delta) {
    std::uint64_t delta = 0;
    if (__builtin_mul_overflow(factored_delta, cie_.code_alignment, &delta)) return false;
    return !__builtin_add_overflow(location_, delta, &location_);
}

bool CfaProgram::set_location() {
    PointerBases bases = section_.bases_for(cie_.address_size);
    // The reader counts from the instructions, pcrel from the section's address.
    bases.section += static_cast<std::uint64_t>(instructions_.data() - section_.bytes.data());
    const auto target = read_encoded(reader_, cie_.fde_encoding, bases);
    if (!target || *target < location_) return false;
    location_ = *target;
    return true;
}

bool CfaProgram::restore_register(std::uint64_t reg) {
    if (!initial_) return false;
    const unsigned number = place_of(reg);
    if (number >= RegisterFile::capacity) return true;
    if (initial_->has(number)) {
        row_.set(number, (*initial_)[number]);
    } else {
        row_.clear(number);
    }
    return true;
}

bool CfaProgram::remember_state() {
    if (remembered_.size() == max_remembered_states) return false;
    remembered_.push_back(row_);
    return true;
}

// Restores the CFA too: gcc and LLVM emit epilogues that rely on it. The location stays.
bool CfaProgram::restore_state() {
    if (remembered_.empty()) return false;
    row_ = remembered_.back();
    remembered_.pop_back();
    return true;
}

bool CfaProgram::set_cfa(std::uint64_t reg, std::int64_t offset) {
    row_.cfa = register_rule(place_of(reg), offset);
    return true;
}

// Changing half of a rule makes sense only if the rule has two halves. The GNU assembler's CIEs for
// RISC-V begin with the register alone, and mean an offset of 0.
bool CfaProgram::set_cfa_register(std::uint64_t reg) {
    if (row_.cfa.kind == RuleKind::unspecified) return set_cfa(reg, 0);
    if (row_.cfa.kind != RuleKind::in_register) return false;
    row_.cfa = register_rule(place_of(reg), row_.cfa.offset);
    return true;
}

bool CfaProgram::set_cfa_offset(std::int64_t offset) {
    if (row_.cfa.kind != RuleKind::in_register) return false;
    row_.cfa.offset = offset;
    return true;
}

void CfaProgram::set_rule(std::uint64_t reg, const RegisterRule& rule) {
    const unsigned place = place_of(reg);
    if (place < RegisterFile::capacity) row_.set(place, rule);
}

std::int64_t CfaProgram::factored(std::uint64_t value) const {
    return as_signed(value * static_cast<std::uint64_t>(cie_.data_alignment));
}

}  // namespace fgread
