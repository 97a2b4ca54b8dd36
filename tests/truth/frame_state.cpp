#include "frame_state.h"

#include <capstone/capstone.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace truth {
namespace {

struct FreeInstruction {
    void operator()(cs_insn* instruction) const { cs_free(instruction, 1); }
};

bool is_register(const cs_x86_op& operand, x86_reg reg) {
    return operand.type == X86_OP_REG && operand.reg == reg;
}

FrameState state_after(const cs_insn& instruction, FrameState before) {
    const cs_x86& x86 = instruction.detail->x86;
    if (instruction.id == X86_INS_LEAVE) return FrameState::callers;
    if (instruction.id == X86_INS_POP && is_register(x86.operands[0], X86_REG_RBP)) {
        return FrameState::callers;
    }
    if (instruction.id == X86_INS_MOV && is_register(x86.operands[0], X86_REG_RBP) &&
        is_register(x86.operands[1], X86_REG_RSP)) {
        return FrameState::complete;
    }
    return before;
}

bool in_group(const cs_insn& instruction, std::uint8_t group) {
    for (std::uint8_t i = 0; i < instruction.detail->groups_count; ++i) {
        if (instruction.detail->groups[i] == group) return true;
    }
    return false;
}

// Where a direct jump goes.
std::optional<std::uint64_t> jump_target(const cs_insn& instruction) {
    const cs_x86_op& operand = instruction.detail->x86.operands[0];
    if (!in_group(instruction, CS_GRP_JUMP) || operand.type != X86_OP_IMM) return std::nullopt;
    return static_cast<std::uint64_t>(operand.imm);
}

bool falls_through(const cs_insn& instruction) {
    return instruction.id != X86_INS_JMP && instruction.id != X86_INS_UD2 &&
           !in_group(instruction, CS_GRP_RET);
}

}  // namespace

FrameStates::FrameStates() {
    csh handle = 0;
    if (cs_open(CS_ARCH_X86, CS_MODE_64, &handle) != CS_ERR_OK) return;
    cs_option(handle, CS_OPT_DETAIL, CS_OPT_ON);
    capstone_ = handle;
}

FrameStates::~FrameStates() {
    csh handle = capstone_;
    if (handle != 0) cs_close(&handle);
}

FrameStates::States FrameStates::analyse(const Function& function) const {
    States states;
    if (capstone_ == 0) return states;
    const std::unique_ptr<cs_insn, FreeInstruction> instruction(cs_malloc(capstone_));
    // gcc moves unlikely blocks into a function.cold, which is entered with the frame set up.
    const bool cold_part = function.name.find(".cold") != std::string::npos;
    std::vector<std::pair<std::uint64_t, FrameState>> work = {
        {function.start, cold_part ? FrameState::complete : FrameState::callers}};
    while (!work.empty()) {
        auto [address, state] = work.back();
        work.pop_back();
        while (address >= function.start && address < function.end) {
            const auto [known, is_new] = states.try_emplace(address, state);
            if (!is_new && (known->second == state || known->second == FrameState::ambiguous))
                break;
            if (!is_new) known->second = state = FrameState::ambiguous;
            const std::uint8_t* code = function.code.data() + (address - function.start);
            std::size_t left = function.end - address;
            std::uint64_t next = address;
            if (!cs_disasm_iter(capstone_, &code, &left, &next, instruction.get())) break;
            state = state_after(*instruction, state);
            if (const auto target = jump_target(*instruction)) work.emplace_back(*target, state);
            if (!falls_through(*instruction)) break;
            address = next;
        }
    }
    return states;
}

FrameState FrameStates::at(const Function& function, std::uint64_t svma) {
    const auto [entry, is_new] = functions_.try_emplace(function.start);
    if (is_new) entry->second = analyse(function);
    const auto found = entry->second.find(svma);
    return found == entry->second.end() ? FrameState::unreached : found->second;
}

}  // namespace truth
