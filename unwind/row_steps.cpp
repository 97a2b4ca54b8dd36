#include "unwind/row_steps.h"

#include <algorithm>

#include "unwind/dwarf_constants.h"

namespace fgread {
namespace {

using namespace dwarf;

// What follows the opcode of an instruction that changes nothing but the row.
enum Operands : std::uint8_t {
    no_number,
    one_number,  // LEB128
    two_numbers,
    other,  // moves the location, remembers, has an expression, or is rare
};

constexpr std::array<Operands, 256> make_operands() {
    std::array<Operands, 256> table{};
    table.fill(other);
    for (unsigned reg = 0; reg < 0x40; ++reg) {
        table[cfa_offset + reg] = one_number;
        table[cfa_restore + reg] = no_number;
    }
    for (const CallFrameOp op :
         {cfa_nop, cfa_aarch64_negate_ra_state, cfa_aarch64_negate_ra_state_with_pc}) {
        table[op] = no_number;
    }
    for (const CallFrameOp op :
         {cfa_restore_extended, cfa_undefined, cfa_same_value, cfa_def_cfa_register,
          cfa_def_cfa_offset, cfa_def_cfa_offset_sf, cfa_gnu_args_size}) {
        table[op] = one_number;
    }
    for (const CallFrameOp op :
         {cfa_offset_extended, cfa_register, cfa_def_cfa, cfa_offset_extended_sf, cfa_def_cfa_sf}) {
        table[op] = two_numbers;
    }
    return table;
}
constexpr std::array<Operands, 256> operands_of = make_operands();

std::uint64_t first_bytes(std::uint64_t word, std::size_t count) {
    return count < 8 ? word & ((std::uint64_t{1} << (count * 8)) - 1) : word;
}

}  // namespace

RowSteps::Start& RowSteps::start_of(const Cie& cie) {
    const auto found = starts_.find(cie.offset);
    if (found != starts_.end()) return found->second;
    if (starts_.size() == max_starts) {
        starts_.clear();
        known_.clear();
        learnt_ = 0;
    }
    if (known_.empty()) make_room(first_places);
    Start& start = starts_[cie.offset];
    start.number = static_cast<std::uint16_t>(starts_.size());
    start.row = run_initial_instructions(section_, cie);
    return start;
}

std::uint16_t RowSteps::initial_rule(Start& start, const Cie& cie) {
    if (!start.rule) start.rule = rules_.intern(*start.row, cie);
    return *start.rule;
}

std::uint16_t RowSteps::learn(Step step, ByteView bytes, const Start& start, const Cie& cie) {
    const auto from = static_cast<std::uint16_t>(step.before);
    CfaRow row = from == initial ? *start.row : row_of(*rules_[from]);
    if (!run_within_row(section_, cie, bytes, *start.row, row)) return 0;
    step.to = rules_.intern(row, cie);
    if (step.to == 0) return 0;
    if (++learnt_ > known_.size() / 2 && known_.size() < most_places) {
        make_room(known_.size() * 4);
    }
    enter(step);
    return step.to;
}

void RowSteps::make_room(std::size_t places) {
    std::vector<Step> all(places);
    all.swap(known_);
    mask_ = places - 1;
    for (const Step& each : all) {
        if (each.before != 0) enter(each);
    }
}

void RowSteps::enter(const Step& step) {
    const std::size_t place = place_of(step);
    if (known_[place].before != 0) known_[place ^ 1] = known_[place];
    known_[place] = step;
}

NumberedRows::NumberedRows(RowSteps& steps, RowSteps::Start& start, const Cie& cie, const Fde& fde)
    : steps_(steps),
      start_(start),
      cie_(cie),
      code_(fde.instructions),
      readable_(steps.section().bytes.size() -
                static_cast<std::size_t>(code_.data() - steps.section().bytes.data())),
      location_(fde.start),
      row_start_(fde.start),
      end_(fde.end) {}

NumberedRows::Status NumberedRows::next_row() {
    row_start_ = location_;
    if (location_ >= end_) return Status::done;
    while (at_ < code_.size()) {
        if (!run_some() || count_ > max_cfa_instructions) return Status::unusual;
        if (location_ != row_start_) {
            location_ = std::min(location_, end_);
            return Status::row;
        }
    }
    location_ = end_;
    return Status::row;
}

inline bool NumberedRows::run_some() {
    const std::uint8_t opcode = byte(at_);
    if (operands_of[opcode] != other) return step();
    ++at_;
    ++count_;
    if ((opcode & 0xc0) == cfa_advance_loc) return advance(opcode & 0x3f);
    switch (opcode) {
        case cfa_advance_loc1:
            if (at_ == code_.size()) return false;
            return advance(byte(at_++));
        case cfa_advance_loc2:
            if (code_.size() - at_ < 2) return false;
            at_ += 2;
            return advance(
                load_unchecked<std::uint16_t>(code_.data() + at_ - 2, steps_.section().endian));
        case cfa_remember_state:
            if (remembered_count_ == remembered_.size()) return false;
            remembered_[remembered_count_++] = row_;
            return true;
        case cfa_restore_state:
            if (remembered_count_ == 0) return false;
            row_ = remembered_[--remembered_count_];
            return true;
        default:
            return false;
    }
}

inline bool NumberedRows::advance(std::uint64_t factored) {
    std::uint64_t delta = 0;
    if (__builtin_mul_overflow(factored, cie_.code_alignment, &delta)) return false;
    return !__builtin_add_overflow(location_, delta, &location_);
}

// All instructions up to the next that does more than to change the row.
inline bool NumberedRows::step() {
    const std::size_t first = at_;
    if (readable_ - first < RowSteps::max_bytes) return false;
    const std::size_t limit = std::min(code_.size(), first + RowSteps::max_bytes);
    std::size_t at = first;
    while (at < limit) {
        const Operands operands = operands_of[byte(at)];
        if (operands == other) break;
        ++at;
        ++count_;
        for (unsigned left = operands; left > 0; --left) {
            while (at < limit && byte(at) >= 0x80) ++at;
            ++at;
        }
    }
    if (at > limit) return false;
    at_ = at;
    const std::size_t size = at - first;
    const ByteView bytes = code_.subspan(first, size);
    RowSteps::Run run;
    run.low = first_bytes(load_unchecked<std::uint64_t>(bytes.data(), Endian::little), size);
    if (size > 8) {
        run.high = load_unchecked<std::uint64_t>(bytes.data() + 8, Endian::little);
        run.high = first_bytes(run.high, size - 8);
    }
    if (run == RowSteps::Run{}) return true;  // padding
    row_ = steps_.step(row_, run, bytes, start_, cie_);
    return row_ != 0;
}

}  // namespace fgread
