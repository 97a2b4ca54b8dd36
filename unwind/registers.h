// RegisterFile: the registers of one frame by DWARF number, each known or not.
#pragma once

#include <array>
#include <cstdint>

namespace fgread {

// Whose registers they are. The walker walks x86_64; the samples of other tasks get their pc as
// only frame.
enum class TaskAbi : std::uint8_t { x86_64, unsupported };

// A register nobody knows must never be read through: kernels store all-ones for what an NMI
// could not see, and caller-saved registers are gone after the first call.
class RegisterFile {
public:
    static constexpr unsigned capacity = 34;  // aarch64: x0-x30, sp, and two pseudo registers

    // `reg` < capacity, here and below.
    void set(unsigned reg, std::uint64_t value) {
        values_[reg] = value;
        valid_ |= std::uint64_t{1} << reg;
    }
    void forget(unsigned reg) { valid_ &= ~(std::uint64_t{1} << reg); }
    void keep_only(std::uint64_t mask) { valid_ &= mask; }
    [[nodiscard]] bool has(unsigned reg) const { return reg < capacity && ((valid_ >> reg) & 1); }
    [[nodiscard]] std::uint64_t operator[](unsigned reg) const { return values_[reg]; }
    [[nodiscard]] std::uint64_t valid_mask() const { return valid_; }

    [[nodiscard]] TaskAbi abi() const { return abi_; }
    void set_abi(TaskAbi abi) { abi_ = abi; }

private:
    std::array<std::uint64_t, capacity> values_;  // left unset: valid_ says which may be read
    std::uint64_t valid_ = 0;
    TaskAbi abi_ = TaskAbi::x86_64;
};

}  // namespace fgread
