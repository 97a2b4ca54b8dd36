#include "unwind/x86_decoder.h"

#include <capstone/capstone.h>

#include <algorithm>
#include <limits>

#include "perfdata/shared_library.h"
#include "unwind/x86_64.h"

namespace fgread::x86_64 {
namespace {

constexpr const char* capstone_soname = "libcapstone.so.4";
constexpr std::uint16_t word = 8;

struct Register {
    std::uint8_t number = Instruction::none;
    bool whole = false;  // all 64 bits of it
};

// Capstone names the parts of a register apart.
Register as_register(unsigned reg) {
    switch (reg) {
#define FGREAD_PARTS(dwarf, r, e, x, l) \
    case X86_REG_##r:                   \
        return {dwarf, true};           \
    case X86_REG_##e:                   \
    case X86_REG_##x:                   \
    case X86_REG_##l:                   \
        return {dwarf, false};
        FGREAD_PARTS(rax, RAX, EAX, AX, AL)
        FGREAD_PARTS(rdx, RDX, EDX, DX, DL)
        FGREAD_PARTS(rcx, RCX, ECX, CX, CL)
        FGREAD_PARTS(rbx, RBX, EBX, BX, BL)
        FGREAD_PARTS(rsi, RSI, ESI, SI, SIL)
        FGREAD_PARTS(rdi, RDI, EDI, DI, DIL)
        FGREAD_PARTS(rbp, RBP, EBP, BP, BPL)
        FGREAD_PARTS(rsp, RSP, ESP, SP, SPL)
        FGREAD_PARTS(8, R8, R8D, R8W, R8B)
        FGREAD_PARTS(9, R9, R9D, R9W, R9B)
        FGREAD_PARTS(10, R10, R10D, R10W, R10B)
        FGREAD_PARTS(11, R11, R11D, R11W, R11B)
        FGREAD_PARTS(12, R12, R12D, R12W, R12B)
        FGREAD_PARTS(13, R13, R13D, R13W, R13B)
        FGREAD_PARTS(14, R14, R14D, R14W, R14B)
        FGREAD_PARTS(15, R15, R15D, R15W, R15B)
#undef FGREAD_PARTS
        case X86_REG_AH:
            return {rax, false};
        case X86_REG_BH:
            return {rbx, false};
        case X86_REG_CH:
            return {rcx, false};
        case X86_REG_DH:
            return {rdx, false};
        default:
            return {};
    }
}

// A word in memory whose address is a general register plus a constant.
struct Place {
    std::uint8_t base = Instruction::none;
    std::int64_t displacement = 0;
};

Place place_of(const x86_op_mem& memory) {
    if (memory.segment != X86_REG_INVALID || memory.index != X86_REG_INVALID) return {};
    const Register base = as_register(memory.base);
    return base.whole ? Place{base.number, memory.disp} : Place{};
}

bool in_group(const cs_detail& detail, std::uint8_t group) {
    const auto* end = detail.groups + detail.groups_count;
    return std::find(detail.groups, end, group) != end;
}

std::uint8_t whole_register(const cs_x86_op& operand) {
    if (operand.type != X86_OP_REG) return Instruction::none;
    const Register found = as_register(operand.reg);
    return found.whole ? found.number : Instruction::none;
}

std::uint32_t written_registers(const cs_detail& detail) {
    std::uint32_t written = 0;
    const auto note = [&written](unsigned reg) {
        const Register found = as_register(reg);
        if (found.number != Instruction::none) written |= 1u << found.number;
    };
    for (unsigned i = 0; i < detail.regs_write_count; ++i) note(detail.regs_write[i]);
    for (unsigned i = 0; i < detail.x86.op_count; ++i) {
        const cs_x86_op& operand = detail.x86.operands[i];
        // Capstone 4 calls some destinations (of VEX instructions) neither read nor written.
        const bool untold = i == 0 && operand.access == CS_AC_INVALID;
        if (operand.type != X86_OP_REG || (!untold && !(operand.access & CS_AC_WRITE))) continue;
        note(operand.reg);
    }
    return written;
}

// What is written to memory, if it is at a Place.
void note_store(const cs_x86& x86, Instruction& result) {
    for (unsigned i = 0; i < x86.op_count; ++i) {
        const cs_x86_op& operand = x86.operands[i];
        if (operand.type != X86_OP_MEM) continue;
        const bool untold = i == 0 && operand.access == CS_AC_INVALID;
        if (!untold && !(operand.access & CS_AC_WRITE)) continue;
        const Place place = place_of(operand.mem);
        if (place.base == Instruction::none) continue;
        result.kind = Instruction::store;
        result.target = place.base;
        result.displacement = place.displacement;
        result.size = operand.size;
    }
}

void understand_mov(const cs_x86& x86, Instruction& result) {
    const cs_x86_op &to = x86.operands[0], &from = x86.operands[1];
    const std::uint8_t target = whole_register(to), source = whole_register(from);
    if (to.type == X86_OP_REG && from.type == X86_OP_IMM) {
        result.constant = static_cast<std::uint64_t>(from.imm);
    }
    if (target != Instruction::none && source != Instruction::none) {
        result.kind = Instruction::copy;
        result.target = target;
        result.source = source;
    } else if (target != Instruction::none && from.type == X86_OP_MEM) {
        const Place place = place_of(from.mem);
        if (place.base == Instruction::none) return;
        result.kind = Instruction::load;
        result.target = target;
        result.source = place.base;
        result.displacement = place.displacement;
    } else if (result.kind == Instruction::store && to.size == word) {
        result.source = source;
    }
}

void understand_lea(const cs_x86& x86, std::uint64_t next, Instruction& result) {
    const x86_op_mem& address = x86.operands[1].mem;
    if (address.base == X86_REG_RIP) {
        result.address_taken = next + static_cast<std::uint64_t>(address.disp);
    }
    const std::uint8_t target = whole_register(x86.operands[0]);
    const Place place = place_of(address);
    if (target == Instruction::none || place.base == Instruction::none) return;
    result.kind = Instruction::add;
    result.target = target;
    result.source = place.base;
    result.displacement = place.displacement;
}

void understand_arithmetic(const cs_insn& decoded, Instruction& result) {
    const cs_x86& x86 = decoded.detail->x86;
    const std::uint8_t target = whole_register(x86.operands[0]);
    if (target == Instruction::none || x86.operands[1].type != X86_OP_IMM) return;
    const std::int64_t value = x86.operands[1].imm;
    result.target = result.source = target;
    if (decoded.id == X86_INS_AND) {
        // Clearing low bits rounds down; everything else is not about alignment.
        if (value < 0 && (-value & (-value - 1)) == 0) result.kind = Instruction::align;
        return;
    }
    if (value == std::numeric_limits<std::int64_t>::min()) return;
    result.kind = Instruction::add;
    result.displacement = decoded.id == X86_INS_SUB ? -value : value;
}

void understand_jump(const cs_insn& decoded, Instruction& result) {
    const cs_x86_op& to = decoded.detail->x86.operands[0];
    const bool known = decoded.detail->x86.op_count == 1 && to.type == X86_OP_IMM;
    if (known) result.destination = static_cast<std::uint64_t>(to.imm);
    if (decoded.id != X86_INS_JMP) {
        result.kind = Instruction::branch;
        result.if_different = decoded.id == X86_INS_JNE;
    } else {
        result.kind = known ? Instruction::jump : Instruction::jump_unknown;
    }
}

void understand(const cs_insn& decoded, Instruction& result) {
    const cs_x86& x86 = decoded.detail->x86;
    switch (decoded.id) {
        case X86_INS_PUSH:
            result.kind = Instruction::push;
            result.source =
                x86.operands[0].size == word ? whole_register(x86.operands[0]) : Instruction::none;
            break;
        case X86_INS_PUSHFQ:
            result.kind = Instruction::push;
            break;
        case X86_INS_POP:
            result.kind = Instruction::pop;
            result.target = whole_register(x86.operands[0]);
            break;
        case X86_INS_POPFQ:
            result.kind = Instruction::pop;
            break;
        case X86_INS_LEAVE:
            result.kind = Instruction::leave;
            break;
        case X86_INS_MOV:
        case X86_INS_MOVABS:
            understand_mov(x86, result);
            break;
        case X86_INS_LEA:
            understand_lea(x86, decoded.address + decoded.size, result);
            break;
        case X86_INS_ADD:
        case X86_INS_SUB:
        case X86_INS_AND:
            understand_arithmetic(decoded, result);
            break;
        case X86_INS_CMP:
            result.kind = Instruction::compare;
            result.target = whole_register(x86.operands[0]);
            result.source = whole_register(x86.operands[1]);
            break;
        case X86_INS_NOP:
            result.kind = Instruction::nothing;
            break;
        case X86_INS_UD2:
        case X86_INS_HLT:
        case X86_INS_INT3:
            result.kind = Instruction::stop;
            break;
        default:
            break;
    }
}

}  // namespace

struct X86Decoder::State {
    ~State() {
        if (instruction != nullptr) release(instruction, 1);
        if (handle != 0) close(&handle);
    }

    decltype(&cs_open) open = nullptr;
    decltype(&cs_close) close = nullptr;
    decltype(&cs_option) option = nullptr;
    decltype(&cs_malloc) allocate = nullptr;
    decltype(&cs_free) release = nullptr;
    decltype(&cs_disasm_iter) next = nullptr;
    csh handle = 0;
    cs_insn* instruction = nullptr;
};

X86Decoder::X86Decoder(std::unique_ptr<State> state) : state_(std::move(state)) {}
X86Decoder::~X86Decoder() = default;

std::unique_ptr<X86Decoder> X86Decoder::open() {
    void* const library = open_library(capstone_soname);
    if (library == nullptr) return nullptr;
    auto state = std::make_unique<State>();
    if (!look_up(library, "cs_open", state->open) || !look_up(library, "cs_close", state->close) ||
        !look_up(library, "cs_option", state->option) ||
        !look_up(library, "cs_malloc", state->allocate) ||
        !look_up(library, "cs_free", state->release) ||
        !look_up(library, "cs_disasm_iter", state->next)) {
        return nullptr;
    }
    if (state->open(CS_ARCH_X86, CS_MODE_64, &state->handle) != CS_ERR_OK) return nullptr;
    if (state->option(state->handle, CS_OPT_DETAIL, CS_OPT_ON) != CS_ERR_OK) return nullptr;
    state->instruction = state->allocate(state->handle);
    if (state->instruction == nullptr) return nullptr;
    return std::unique_ptr<X86Decoder>(new X86Decoder(std::move(state)));
}

std::optional<Instruction> X86Decoder::decode(ByteView code, std::uint64_t address) {
    // What Capstone takes; std::byte may be looked at as unsigned char.
    const auto* bytes = static_cast<const std::uint8_t*>(static_cast<const void*>(code.data()));
    std::size_t size = code.size();
    if (!state_->next(state_->handle, &bytes, &size, &address, state_->instruction)) {
        return std::nullopt;
    }
    const cs_insn& decoded = *state_->instruction;
    const cs_detail& detail = *decoded.detail;
    Instruction result;
    result.length = static_cast<std::uint8_t>(decoded.size);
    if (in_group(detail, CS_GRP_RET) || in_group(detail, CS_GRP_IRET)) {
        result.kind = Instruction::stop;
        return result;
    }
    if (in_group(detail, CS_GRP_CALL)) {
        result.kind = Instruction::call;
        const cs_x86_op& to = detail.x86.operands[0];
        if (to.type == X86_OP_IMM) result.destination = static_cast<std::uint64_t>(to.imm);
        return result;
    }
    if (in_group(detail, CS_GRP_JUMP)) {
        understand_jump(decoded, result);
        return result;
    }
    result.writes = written_registers(detail);
    note_store(detail.x86, result);
    understand(decoded, result);
    return result;
}

}  // namespace fgread::x86_64
