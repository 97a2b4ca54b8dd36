#include "libdw_rule.h"

#include <dwarf.h>
#include <elf.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "perfdata/byte_reader.h"
#include "unwind/registers.h"
#include "unwind/x86_64.h"

namespace fgread::test {
namespace {

// One operation with its operands as libdw stores them.
struct Op {
    unsigned atom;
    std::uint64_t number = 0;
    std::uint64_t number2 = 0;
};

std::string text_of(const std::vector<Op>& ops) {
    std::string text;
    char buffer[64];
    for (const Op& op : ops) {
        std::snprintf(buffer, sizeof buffer, "%02x(%llx,%llx)", op.atom,
                      static_cast<unsigned long long>(op.number),
                      static_cast<unsigned long long>(op.number2));
        text += buffer;
    }
    return text;
}

std::string text_of(const Dwarf_Op* ops, std::size_t count) {
    std::vector<Op> list;
    for (std::size_t i = 0; i < count; ++i) {
        list.push_back({ops[i].atom, ops[i].number, ops[i].number2});
    }
    return text_of(list);
}

std::string of_register(unsigned reg, const std::string& text) {
    return " r" + std::to_string(reg) + "=" + text;
}

std::uint64_t bits(std::int64_t value) { return static_cast<std::uint64_t>(value); }

Op decode(ByteReader& reader, unsigned address_size) {
    Op op{reader.u8()};
    if (op.atom >= DW_OP_breg0 && op.atom <= DW_OP_breg31) op.number = bits(reader.sleb128());
    switch (op.atom) {
        case DW_OP_addr:
            op.number = address_size == 8 ? reader.u64() : reader.u32();
            break;
        case DW_OP_const8u:
        case DW_OP_const8s:
            op.number = reader.u64();
            break;
        case DW_OP_const1u:
        case DW_OP_deref_size:
        case DW_OP_pick:
            op.number = reader.u8();
            break;
        case DW_OP_const1s:
            op.number = bits(reader.read<std::int8_t>());
            break;
        case DW_OP_const2u:
            op.number = reader.u16();
            break;
        case DW_OP_const2s:
        case DW_OP_bra:
        case DW_OP_skip:
            op.number = bits(reader.read<std::int16_t>());
            break;
        case DW_OP_const4u:
            op.number = reader.u32();
            break;
        case DW_OP_const4s:
            op.number = bits(reader.i32());
            break;
        case DW_OP_constu:
        case DW_OP_plus_uconst:
            op.number = reader.uleb128();
            break;
        case DW_OP_consts:
            op.number = bits(reader.sleb128());
            break;
        case DW_OP_bregx:
            op.number = reader.uleb128();
            op.number2 = bits(reader.sleb128());
            break;
        default:
            break;
    }
    return op;
}

std::vector<Op> decode_all(ByteView expression, const Target& target) {
    std::vector<Op> ops;
    ByteReader reader(expression, target.endian);
    while (!reader.at_end()) ops.push_back(decode(reader, target.address_size));
    return ops;
}

// DWARF's number of a place.
unsigned number_of(unsigned place, const Target& target) {
    for (const RegisterNumbers::Moved& moved : target.numbers.moved) {
        if (moved.number != 0 && moved.place == place) return moved.number;
    }
    return place;
}

std::string cfa_text(const RegisterRule& rule, const Target& target) {
    if (rule.kind == RuleKind::is_expression) return text_of(decode_all(rule.expression, target));
    if (rule.kind != RuleKind::in_register) return "none";
    return text_of({Op{DW_OP_bregx, number_of(rule.source, target), bits(rule.offset)}});
}

std::string register_text(const RegisterRule& rule, const Target& target) {
    std::vector<Op> ops{Op{DW_OP_call_frame_cfa}};
    switch (rule.kind) {
        case RuleKind::unspecified:
        case RuleKind::undefined:
            return "undefined";
        case RuleKind::same_value:
            return "same";
        case RuleKind::in_register:
            return text_of({Op{DW_OP_regx, number_of(rule.source, target)}});
        case RuleKind::at_cfa:
        case RuleKind::cfa_offset:
            if (rule.offset != 0) ops.push_back({DW_OP_plus_uconst, bits(rule.offset)});
            break;
        case RuleKind::at_expression:
        case RuleKind::is_expression:
            for (const Op& op : decode_all(rule.expression, target)) ops.push_back(op);
            break;
    }
    const bool is_value = rule.kind == RuleKind::cfa_offset || rule.kind == RuleKind::is_expression;
    if (is_value) ops.push_back({DW_OP_stack_value});
    return text_of(ops);
}

std::string libdw_register_text(Dwarf_Frame* frame, unsigned reg) {
    Dwarf_Op memory[3];
    Dwarf_Op* ops = nullptr;
    std::size_t count = 0;
    if (dwarf_frame_register(frame, static_cast<int>(reg), memory, &ops, &count) != 0) {
        return "error";
    }
    if (count == 0) return ops ? "undefined" : "same";
    return text_of(ops, count);
}

// What elfutils 0.188 takes where CFI is silent. Its x86-64 backend says that register 0 is
// callee-saved, with the remark "%rbx": but 0 is rax, and rbx is 3. We follow the psABI.
constexpr std::uint64_t libdw_callee_saved =
    (x86_64::callee_saved & ~(1u << x86_64::rbx)) | 1u << x86_64::rax;

RegisterRule with_libdw_default(unsigned reg, RegisterRule rule) {
    if (rule.kind != RuleKind::unspecified) return rule;
    if ((libdw_callee_saved >> reg) & 1) rule.kind = RuleKind::same_value;
    if (reg == x86_64::rsp) rule.kind = RuleKind::cfa_offset;
    return rule;
}

std::string header_text(unsigned return_address, bool signal_frame) {
    return "ra=r" + std::to_string(return_address) + " signal=" + (signal_frame ? "1" : "0");
}

bool is_default(const std::string& text, unsigned return_address) {
    // The stack pointer's: the CFA, on s390x less 160. The pc's: the link register.
    const std::string cfa = text_of({Op{DW_OP_call_frame_cfa}});
    return text == "same" || text == "undefined" || text.starts_with(cfa) ||
           text == text_of({Op{DW_OP_regx, return_address}});
}

// The DWARF numbers of the registers this build tracks.
std::vector<unsigned> tracked(const Target& target) {
    std::vector<unsigned> numbers;
    const unsigned count =
        target.machine == EM_X86_64 ? x86_64::register_count : target.numbers.same_below;
    for (unsigned reg = 0; reg < count; ++reg) numbers.push_back(reg);
    for (const RegisterNumbers::Moved& moved : target.numbers.moved) {
        if (moved.number != 0) numbers.push_back(moved.number);
    }
    return numbers;
}

}  // namespace

std::optional<std::string> libdw_rule(Dwarf_CFI* cfi, Dwarf_Addr pc, const Target& target,
                                      const UnwindRule* ours) {
    Dwarf_Frame* raw = nullptr;
    if (!cfi || dwarf_cfi_addrframe(cfi, pc, &raw) != 0) return std::nullopt;
    const std::unique_ptr<Dwarf_Frame, decltype(&std::free)> frame(raw, &std::free);
    Dwarf_Addr start = 0, end = 0;
    bool signal_frame = false;
    const int return_address = dwarf_frame_info(raw, &start, &end, &signal_frame);

    std::string text = header_text(static_cast<unsigned>(return_address), signal_frame);
    Dwarf_Op* ops = nullptr;
    std::size_t count = 0;
    const bool known = dwarf_frame_cfa(raw, &ops, &count) == 0 && count > 0;
    text += " cfa=" + (known ? text_of(ops, count) : "none");
    for (const unsigned reg : tracked(target)) {
        const std::string of_libdw = libdw_register_text(raw, reg);
        const bool silent =
            target.machine != EM_X86_64 && ours &&
            ours->rule_of(target.numbers.place_of(reg)).kind == RuleKind::unspecified;
        if (!silent || !is_default(of_libdw, static_cast<unsigned>(return_address)))
            text += of_register(reg, of_libdw);
    }
    return text;
}

std::string our_rule(const UnwindRule& rule, const Target& target) {
    std::string text = header_text(number_of(rule.return_address, target), rule.signal_frame);
    text += " cfa=" + cfa_text(rule.cfa, target);
    for (const unsigned reg : tracked(target)) {
        RegisterRule of_register_rule = rule.rule_of(target.numbers.place_of(reg));
        if (target.machine == EM_X86_64) {
            of_register_rule = with_libdw_default(reg, of_register_rule);
        } else if (of_register_rule.kind == RuleKind::unspecified) {
            continue;
        }
        text += of_register(reg, register_text(of_register_rule, target));
    }
    return text;
}

}  // namespace fgread::test
