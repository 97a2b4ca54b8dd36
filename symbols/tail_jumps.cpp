#include "symbols/tail_jumps.h"

#include <algorithm>
#include <cstddef>

#include "unwind/function_analysis.h"

namespace fgread {
namespace {

using x86_64::AnalysedFunction;
using x86_64::Instruction;

bool has(const std::vector<std::uint64_t>& sorted, std::uint64_t value) {
    return std::binary_search(sorted.begin(), sorted.end(), value);
}

// Whether the function has nothing on the stack at the instruction there, and all registers are its
// caller's: as at its start.
bool is_without_frame(const AnalysedFunction& function, std::uint64_t offset) {
    const UnwindRule *there = function.find(offset), *start = function.find(0);
    return there != nullptr && start != nullptr && there->cfa == start->cfa &&
           there->registers == start->registers;
}

}  // namespace

void TailJumps::add(const Instruction& instruction, std::uint64_t address) {
    if (before_ == Before::end || before_ == Before::padded_call) behind_ends_.push_back(address);
    switch (instruction.kind) {
        case Instruction::jump:
            jumps_.push_back({address, instruction.destination});
            before_ = Before::end;
            break;
        case Instruction::jump_unknown:
        case Instruction::stop:
            before_ = Before::end;
            break;
        case Instruction::call:
            before_ = Before::call;
            break;
        case Instruction::nothing:
            if (before_ == Before::call) before_ = Before::padded_call;
            break;
        default:
            before_ = Before::other;
    }
}

std::vector<std::uint64_t> TailJumps::targets(x86_64::X86Decoder& decoder, ByteView code,
                                              std::uint64_t base,
                                              const std::vector<std::uint64_t>& starts) const {
    std::vector<std::uint64_t> found;
    const std::uint64_t code_end = base + code.size();
    AnalysedFunction function;
    std::uint64_t analysed = code_end;  // where `function` begins
    for (const Jump& jump : jumps_) {
        if (jump.to < base || jump.to >= code_end || has(starts, jump.to)) continue;
        if (!has(behind_ends_, jump.to)) continue;
        const auto next = std::upper_bound(starts.begin(), starts.end(), jump.from);
        if (next == starts.begin() || *(next - 1) < base) continue;
        const std::uint64_t start = *(next - 1);
        const std::uint64_t end = next == starts.end() ? code_end : std::min(*next, code_end);
        if (jump.to >= start && jump.to < end) continue;
        if (start != analysed) {
            const ByteView bytes = code.subspan(start - base, end - start);
            function = x86_64::analyse_function(decoder, bytes, start, false);
            analysed = start;
        }
        if (is_without_frame(function, jump.from - start)) found.push_back(jump.to);
    }
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
}

}  // namespace fgread
