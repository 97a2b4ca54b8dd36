#include "unwind/frame_pointer.h"

namespace fgread::x86_64 {
namespace {

constexpr std::uint64_t word = 8;

// Bytes of an indirect call (ff /2, without a prefix) by its ModRM and SIB bytes; SDM 2.1.5.
unsigned indirect_call_length(unsigned modrm, unsigned sib) {
    const unsigned mode = modrm >> 6, base = modrm & 7;
    if (mode == 3) return 2;
    const bool has_sib = base == 4;
    unsigned length = has_sib ? 3 : 2;
    if (mode == 1) length += 1;
    const bool no_base = mode == 0 && (has_sib ? (sib & 7) == 5 : base == 5);
    if (mode == 2 || no_base) length += 4;
    return length;
}

// Both encodings of mov %rsp, %rbp.
bool moves_frame_pointer(std::uint64_t code) {
    const std::uint64_t three = code & 0xff'ffff;
    return three == 0xe58948 || three == 0xec8b48;
}

}  // namespace

std::optional<FramePointerCaller> caller_by_frame_pointer(const StackMemory& stack,
                                                          std::uint64_t sp, std::uint64_t fp) {
    if (fp % word != 0 || fp < sp || !stack.covers(fp, 2 * word)) return std::nullopt;
    const std::uint64_t outer = stack.word_unchecked(fp);
    if (outer != 0 && outer <= fp) return std::nullopt;
    const std::uint64_t pc = stack.word_unchecked(fp + word);
    if (pc == 0) return std::nullopt;
    return FramePointerCaller{pc, fp + 2 * word, outer};
}

FrameState frame_state(const std::array<std::uint64_t, 2>& code) {
    const std::uint64_t first = code[0] & 0xff;
    if (first == 0xc3 || first == 0x55) return FrameState::none;
    if ((code[0] & 0xffff'ffff) == 0xfa1e0ff3) return FrameState::none;
    return moves_frame_pointer(code[0]) ? FrameState::pushed : FrameState::made;
}

bool makes_frame(const std::array<std::uint64_t, 2>& code) {
    const bool marked = (code[0] & 0xffff'ffff) == 0xfa1e0ff3;  // endbr64
    unsigned at = marked ? 4 : 0;
    const auto from = [&code](unsigned byte) {
        const unsigned shift = byte % 8 * 8;
        if (byte >= 8) return code[1] >> shift;
        return shift == 0 ? code[0] : code[0] >> shift | code[1] << (64 - shift);
    };
    if ((from(at) & 0xff) != 0x55) return false;
    for (++at; at + 3 <= 16; ++at) {
        if (moves_frame_pointer(from(at))) return true;
    }
    return false;
}

CallBefore call_before(std::uint64_t code) {
    const auto byte = [&](unsigned from_end) {
        return static_cast<unsigned>(code >> (64 - 8 * from_end)) & 0xff;
    };
    if (byte(5) == 0xe8) {
        return {CallBefore::direct, static_cast<std::int32_t>(code >> 32)};
    }
    for (unsigned length = 2; length <= 7; ++length) {
        if (byte(length) != 0xff) continue;
        const unsigned modrm = byte(length - 1);
        const unsigned sib = length > 2 ? byte(length - 2) : 0;
        if ((modrm >> 3 & 7) == 2 && indirect_call_length(modrm, sib) == length) {
            return {CallBefore::indirect, 0};
        }
    }
    return {};
}

}  // namespace fgread::x86_64
