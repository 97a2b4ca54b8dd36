#include "unwind/x86_code_frame.h"

#include <algorithm>
#include <limits>

#include "unwind/dwarf_constants.h"
#include "unwind/x86_64.h"

namespace fgread::x86_64 {
namespace {

constexpr std::int32_t word = 8;
constexpr std::array<std::uint8_t, 2> frame_registers{rbp, rsp};
// A frame pointer is right even where the stack pointer could not be followed.
constexpr std::array<std::uint8_t, 16> cfa_order{rbp, rsp, rbx, r12, 13, 14, r15, rax,
                                                 rdx, rcx, rsi, rdi, r8, 9,  10,  11};
constexpr std::array<std::uint8_t, 7> restored{rbx, rbp, r12, 13, 14, r15, return_address};
constexpr std::uint32_t preserved_by_calls = callee_saved | (1u << rsp);

bool is_place(const KnownValue& value) {
    return value.kind == KnownValue::from_cfa || value.kind == KnownValue::from_aligned;
}

// Worth remembering on the stack: what a caller's register held, and ways back to the CFA.
bool is_wanted(const KnownValue& value) {
    if (value.kind != KnownValue::at_entry) return is_place(value);
    return value.reg == return_address || ((callee_saved >> value.reg) & 1);
}

void append_sleb(std::vector<std::byte>& bytes, std::int64_t value) {
    for (;;) {
        const auto low = static_cast<std::uint8_t>(value & 0x7f);
        value >>= 7;
        const bool last = (value == 0 && !(low & 0x40)) || (value == -1 && (low & 0x40));
        bytes.push_back(static_cast<std::byte>(last ? low : low | 0x80));
        if (last) return;
    }
}

// DW_OP_breg: register + offset.
std::vector<std::byte> register_plus(std::uint8_t reg, std::int64_t offset) {
    std::vector<std::byte> bytes{static_cast<std::byte>(dwarf::op_breg0 + reg)};
    append_sleb(bytes, offset);
    return bytes;
}

}  // namespace

CodeFrame CodeFrame::at_entry() {
    CodeFrame frame;
    for (std::uint8_t reg = 0; reg < frame.registers_.size(); ++reg) {
        frame.registers_[reg] = {KnownValue::at_entry, reg, 0};
    }
    frame.registers_[rsp] = {KnownValue::from_cfa, 0, -word};
    frame.store(frame.registers_[rsp], word, {KnownValue::at_entry, return_address, 0});
    return frame;
}

KnownValue CodeFrame::moved(std::uint8_t reg, std::int64_t by) const {
    if (reg >= registers_.size()) return {};
    KnownValue value = registers_[reg];
    if (by == 0) return value;
    const std::int64_t limit = std::numeric_limits<std::int32_t>::max();
    if (!is_place(value) || by < -limit || by > limit) return {};
    const std::int64_t sum = value.offset + by;
    if (sum < -limit || sum > limit) return {};
    value.offset = static_cast<std::int32_t>(sum);
    return value;
}

KnownValue CodeFrame::word_at(const KnownValue& address) const {
    for (const Word& each : words_) {
        if (each.base == address.kind && each.offset == address.offset) return each.value;
    }
    return {};
}

void CodeFrame::store(const KnownValue& address, unsigned size, const KnownValue& value) {
    if (!is_place(address)) return;
    const std::int64_t first = address.offset, end = first + size;
    std::erase_if(words_, [&](const Word& each) {
        return each.base == address.kind && each.offset < end && first < each.offset + word;
    });
    if (size != word || !is_wanted(value) || words_.size() >= max_words) return;
    const Word added{address.kind, address.offset, value};
    const auto place = std::find_if(words_.begin(), words_.end(), [&](const Word& each) {
        return each.base != added.base ? each.base > added.base : each.offset > added.offset;
    });
    words_.insert(place, added);
}

void CodeFrame::forget_words(KnownValue::Kind base) {
    std::erase_if(words_,
                  [&](const Word& each) { return each.base == base || each.value.kind == base; });
    for (KnownValue& value : registers_) {
        if (value.kind == base) value = {};
    }
}

void CodeFrame::push(const KnownValue& value) {
    registers_[rsp] = moved(rsp, -word);
    store(registers_[rsp], word, value);
}

KnownValue CodeFrame::pop() {
    const KnownValue value = word_at(registers_[rsp]);
    registers_[rsp] = moved(rsp, word);
    return value;
}

void CodeFrame::forget_after_call() {
    for (std::uint8_t reg = 0; reg < registers_.size(); ++reg) {
        if (!((preserved_by_calls >> reg) & 1)) registers_[reg] = {};
    }
    const KnownValue top = registers_[rsp];
    if (!is_place(top)) return;
    std::erase_if(words_, [&](const Word& each) {
        return each.base == top.kind && each.offset < top.offset;
    });
}

void CodeFrame::apply(const Instruction& instruction) {
    const auto value_of = [&](std::uint8_t reg) { return moved(reg, 0); };
    const std::uint8_t target = instruction.target;
    const KnownValue source = value_of(instruction.source);
    const KnownValue place = moved(target, instruction.displacement);
    KnownValue result;
    bool has_result = false;
    switch (instruction.kind) {
        case Instruction::push:
            push(source);
            return;
        case Instruction::leave:
            registers_[rsp] = registers_[rbp];
            registers_[rbp] = pop();
            return;
        case Instruction::pop:
            result = pop();
            has_result = true;
            break;
        case Instruction::copy:
            result = source;
            has_result = true;
            break;
        case Instruction::add:
            result = moved(instruction.source, instruction.displacement);
            has_result = true;
            break;
        case Instruction::load:
            result = word_at(moved(instruction.source, instruction.displacement));
            has_result = true;
            break;
        case Instruction::store:
            store(place, instruction.size, source);
            break;
        case Instruction::align:
            if (target == rsp) {
                forget_words(KnownValue::from_aligned);
                result = {KnownValue::from_aligned, 0, 0};
            }
            has_result = true;
            break;
        case Instruction::call:
            forget_after_call();
            return;
        default:
            break;
    }
    for (std::uint8_t reg = 0; reg < registers_.size(); ++reg) {
        const bool by_itself = instruction.kind == Instruction::pop && reg == rsp;
        if (((instruction.writes >> reg) & 1) && !by_itself) registers_[reg] = {};
    }
    if (has_result && target < registers_.size()) registers_[target] = result;
}

bool CodeFrame::meet(const CodeFrame& other) {
    bool less = false;
    for (std::size_t reg = 0; reg < registers_.size(); ++reg) {
        if (registers_[reg] == other.registers_[reg] ||
            registers_[reg].kind == KnownValue::nothing) {
            continue;
        }
        registers_[reg] = {};
        less = true;
    }
    const auto dropped = std::erase_if(words_, [&](const Word& each) {
        return std::find(other.words_.begin(), other.words_.end(), each) == other.words_.end();
    });
    return less || dropped != 0;
}

bool CodeFrame::find_cfa(UnwindRule& rule, Expressions& expressions) const {
    for (const std::uint8_t reg : cfa_order) {
        if (registers_[reg].kind != KnownValue::from_cfa) continue;
        rule.cfa = {RuleKind::in_register, reg, -std::int64_t{registers_[reg].offset}, {}};
        return true;
    }
    // DRAP of gcc and OpenSSL's assembly keep the old stack pointer in the aligned frame.
    for (const Word& each : words_) {
        if (each.base != KnownValue::from_aligned || each.value.kind != KnownValue::from_cfa)
            continue;
        for (const std::uint8_t reg : frame_registers) {
            if (registers_[reg].kind != KnownValue::from_aligned) continue;
            std::vector<std::byte> bytes =
                register_plus(reg, std::int64_t{each.offset} - registers_[reg].offset);
            bytes.push_back(static_cast<std::byte>(dwarf::op_deref));
            bytes.push_back(static_cast<std::byte>(dwarf::op_consts));
            append_sleb(bytes, -std::int64_t{each.value.offset});
            bytes.push_back(static_cast<std::byte>(dwarf::op_plus));
            rule.cfa = {RuleKind::is_expression, 0, 0, expressions.emplace_back(std::move(bytes))};
            return true;
        }
    }
    return false;
}

RegisterRule CodeFrame::saved_register(std::uint8_t reg, Expressions& expressions) const {
    const KnownValue wanted{KnownValue::at_entry, reg, 0};
    if (reg < registers_.size() && registers_[reg] == wanted) return {};
    for (const Word& each : words_) {
        if (each.base == KnownValue::from_cfa && each.value == wanted) {
            return {RuleKind::at_cfa, 0, each.offset, {}};
        }
    }
    for (const Word& each : words_) {
        if (each.base != KnownValue::from_aligned || !(each.value == wanted)) continue;
        for (const std::uint8_t base : frame_registers) {
            if (registers_[base].kind != KnownValue::from_aligned) continue;
            return {RuleKind::at_expression, 0, 0,
                    expressions.emplace_back(
                        register_plus(base, std::int64_t{each.offset} - registers_[base].offset))};
        }
    }
    for (std::uint8_t holder = 0; holder < registers_.size(); ++holder) {
        if (registers_[holder] == wanted) return {RuleKind::in_register, holder, 0, {}};
    }
    return {RuleKind::undefined, 0, 0, {}};
}

std::optional<UnwindRule> CodeFrame::rule(Expressions& expressions) const {
    UnwindRule rule;
    rule.return_address = return_address;
    if (!find_cfa(rule, expressions)) return std::nullopt;
    for (const std::uint8_t reg : restored) {
        const RegisterRule saved = saved_register(reg, expressions);
        if (saved.kind == RuleKind::unspecified) continue;
        if (reg == return_address && saved.kind == RuleKind::undefined) return std::nullopt;
        rule.registers.push_back({reg, saved});
    }
    rule.fast = make_fast_rule(rule);
    rule.brief = make_short_rule(rule);
    return rule;
}

}  // namespace fgread::x86_64
