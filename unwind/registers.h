// RegisterFile: the registers of one frame by DWARF number, each known or not.
//
// Architectures whose numbers have gaps put some registers in other places (RegisterNumbers).
#pragma once

#include <array>
#include <cstdint>

namespace fgread {

// Whose registers they are (x32's are x86_64's). Those of unsupported tasks have unknown numbers.
enum class TaskAbi : std::uint8_t {
    x86_64,
    i386,
    aarch64,
    arm,
    riscv64,
    s390x,
    ppc64,
    unsupported,
};

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

// From the numbers of an architecture's DWARF to places in a RegisterFile. Numbers and places are
// the same up to some number; a few beyond have places of their own (the link register of ppc64
// is 65), and all others are not tracked.
struct RegisterNumbers {
    static constexpr std::uint16_t not_tracked = 0xffff;
    struct Moved {
        std::uint8_t number = 0;  // at least same_below
        std::uint8_t place = 0;
    };

    std::uint8_t same_below = RegisterFile::capacity;
    std::array<Moved, 2> moved{};

    // Below RegisterFile::capacity, or not_tracked.
    [[nodiscard]] std::uint16_t place_of(std::uint64_t number) const {
        if (number < same_below) return static_cast<std::uint16_t>(number);
        for (const Moved& each : moved) {
            if (number == each.number) return each.place;
        }
        return not_tracked;
    }
};

}  // namespace fgread
