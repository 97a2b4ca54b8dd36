#include "tools/dump_expression.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

#include "unwind/dwarf_constants.h"
#include "unwind/x86_64.h"

namespace fgread::tools {

namespace {

constexpr std::array<const char*, x86_64::register_count> register_names{
    "rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", "r8",
    "r9",  "r10", "r11", "r12", "r13", "r14", "r15", "rip",
};

enum class Operand : std::uint8_t { none, u8, s8, u16, s16, u32, s32, u64, s64, uleb, sleb };

struct Operation {
    std::uint8_t code;
    Operand operand;
    const char* name;
};

constexpr std::array<Operation, 41> operations{{
    {dwarf::op_addr, Operand::u64, "addr"},
    {dwarf::op_deref, Operand::none, "deref"},
    {dwarf::op_const1u, Operand::u8, "const1u"},
    {dwarf::op_const1s, Operand::s8, "const1s"},
    {dwarf::op_const2u, Operand::u16, "const2u"},
    {dwarf::op_const2s, Operand::s16, "const2s"},
    {dwarf::op_const4u, Operand::u32, "const4u"},
    {dwarf::op_const4s, Operand::s32, "const4s"},
    {dwarf::op_const8u, Operand::u64, "const8u"},
    {dwarf::op_const8s, Operand::s64, "const8s"},
    {dwarf::op_constu, Operand::uleb, "constu"},
    {dwarf::op_consts, Operand::sleb, "consts"},
    {dwarf::op_dup, Operand::none, "dup"},
    {dwarf::op_drop, Operand::none, "drop"},
    {dwarf::op_over, Operand::none, "over"},
    {dwarf::op_pick, Operand::u8, "pick"},
    {dwarf::op_swap, Operand::none, "swap"},
    {dwarf::op_rot, Operand::none, "rot"},
    {dwarf::op_abs, Operand::none, "abs"},
    {dwarf::op_and, Operand::none, "and"},
    {dwarf::op_div, Operand::none, "div"},
    {dwarf::op_minus, Operand::none, "minus"},
    {dwarf::op_mod, Operand::none, "mod"},
    {dwarf::op_mul, Operand::none, "mul"},
    {dwarf::op_neg, Operand::none, "neg"},
    {dwarf::op_not, Operand::none, "not"},
    {dwarf::op_or, Operand::none, "or"},
    {dwarf::op_plus, Operand::none, "plus"},
    {dwarf::op_plus_uconst, Operand::uleb, "plus_uconst"},
    {dwarf::op_shl, Operand::none, "shl"},
    {dwarf::op_shr, Operand::none, "shr"},
    {dwarf::op_shra, Operand::none, "shra"},
    {dwarf::op_xor, Operand::none, "xor"},
    {dwarf::op_bra, Operand::s16, "bra"},
    {dwarf::op_eq, Operand::none, "eq"},
    {dwarf::op_ge, Operand::none, "ge"},
    {dwarf::op_gt, Operand::none, "gt"},
    {dwarf::op_le, Operand::none, "le"},
    {dwarf::op_lt, Operand::none, "lt"},
    {dwarf::op_ne, Operand::none, "ne"},
    {dwarf::op_skip, Operand::s16, "skip"},
}};

std::string operand_text(ByteReader& reader, Operand operand) {
    switch (operand) {
        case Operand::none:
            return {};
        case Operand::u8:
            return fmt::format(": {}", reader.u8());
        case Operand::s8:
            return fmt::format(": {}", reader.read<std::int8_t>());
        case Operand::u16:
            return fmt::format(": {}", reader.u16());
        case Operand::s16:
            return fmt::format(": {}", reader.read<std::int16_t>());
        case Operand::u32:
            return fmt::format(": {}", reader.u32());
        case Operand::s32:
            return fmt::format(": {}", reader.i32());
        case Operand::u64:
            return fmt::format(": {}", reader.u64());
        case Operand::s64:
            return fmt::format(": {}", reader.read<std::int64_t>());
        case Operand::uleb:
            return fmt::format(": {}", reader.uleb128());
        case Operand::sleb:
            return fmt::format(": {}", reader.sleb128());
    }
    return {};
}

// Empty if the operation is not known.
std::string operation_text(ByteReader& reader) {
    const std::uint8_t code = reader.u8();
    if (code >= dwarf::op_lit0 && code <= dwarf::op_lit31) {
        return fmt::format("DW_OP_lit{}", code - dwarf::op_lit0);
    }
    if (code >= dwarf::op_breg0 && code <= dwarf::op_breg31) {
        const unsigned reg = code - dwarf::op_breg0;
        return fmt::format("DW_OP_breg{} ({}): {}", reg, register_name(reg), reader.sleb128());
    }
    if (code == dwarf::op_bregx) {
        const std::uint64_t reg = reader.uleb128();
        return fmt::format("DW_OP_bregx: {} ({}) {}", reg,
                           register_name(static_cast<unsigned>(reg)), reader.sleb128());
    }
    if (code == dwarf::op_deref_size) return fmt::format("DW_OP_deref_size: {}", reader.u8());
    if (code == dwarf::op_nop) return "DW_OP_nop";
    for (const Operation& operation : operations) {
        if (operation.code != code) continue;
        return fmt::format("DW_OP_{}{}", operation.name, operand_text(reader, operation.operand));
    }
    return {};
}

}  // namespace

std::string register_name(unsigned reg) {
    return reg < register_names.size() ? register_names[reg] : fmt::format("r{}", reg);
}

std::string expression_text(ByteView expression) {
    ByteReader reader(expression);
    std::string text;
    while (!reader.at_end()) {
        const std::size_t start = reader.position();
        const std::string operation = operation_text(reader);
        if (!text.empty()) text += "; ";
        if (operation.empty()) {
            return text + fmt::format("DW_OP_<{:#x}>", std::to_integer<int>(expression[start]));
        }
        if (!reader.ok()) return text + "cut";
        text += operation;
    }
    return text;
}

}  // namespace fgread::tools
