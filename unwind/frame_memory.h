// FrameMemory: what the rules of one frame may read: the dump, and the frame's own module.
#pragma once

#include <cstdint>

#include "unwind/module_provider.h"
#include "unwind/registers.h"
#include "unwind/stack_memory.h"

namespace fgread {

// How wide a task's words are, and what its rules call registers.
struct WordLayout {
    unsigned size = 8;  // bytes of an address and of a saved register
    // Bits of an address that say where it is; the rest is a tag (aarch64: TBI, MTE).
    std::uint64_t address_mask = ~std::uint64_t{0};
    RegisterNumbers numbers{};
};
inline constexpr WordLayout wide_words;

enum class EvalStatus : std::uint8_t {
    ok,
    truncated,    // a read left the dump at its upper end
    bad_memory,   // a read elsewhere, or of a register whose value is not known
    unsupported,  // an operation or rule this build cannot evaluate
};

struct EvalResult {
    std::uint64_t value = 0;
    EvalStatus status = EvalStatus::ok;
    [[nodiscard]] bool ok() const { return status == EvalStatus::ok; }
};

// Views its arguments.
class FrameMemory {
public:
    // How far above the dump a read still counts as "the dump was too small". Main stacks are
    // 8 MiB by default; a single frame can be as large. Farther away is another memory.
    static constexpr std::uint64_t stack_reach = std::uint64_t{64} << 20;

    // `provider` may be null: then only the dump can be read. `bias` is avma - svma of the module.
    explicit FrameMemory(const StackMemory& stack, ModuleProvider* provider = nullptr,
                         ModuleId module = {}, std::uint64_t bias = 0,
                         const WordLayout& words = wide_words)
        : stack_(stack), provider_(provider), module_(module), bias_(bias), words_(words) {}

    // An integer of 1 to 8 bytes at an AVMA, zero-extended.
    [[nodiscard]] EvalResult read(std::uint64_t address, unsigned size) const;
    // A word of the task.
    [[nodiscard]] EvalResult read(std::uint64_t address) const {
        return read(address, words_.size);
    }
    [[nodiscard]] const WordLayout& words() const { return words_; }

    [[nodiscard]] std::uint64_t bias() const { return bias_; }
    [[nodiscard]] Endian endian() const { return stack_.endian(); }

private:
    const StackMemory& stack_;
    ModuleProvider* provider_;
    ModuleId module_;
    std::uint64_t bias_;
    const WordLayout& words_;
};

}  // namespace fgread
