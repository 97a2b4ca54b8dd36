// CodeFrame: where the caller's registers are at one instruction, as following the code from the
// function's first instruction tells.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "unwind/unwind_rule.h"
#include "unwind/x86_decoder.h"

namespace fgread::x86_64 {

// What is known of a register, or of a word on the stack.
struct KnownValue {
    enum Kind : std::uint8_t {
        nothing,
        at_entry,     // what register `reg` held when the function began; the return address too
        from_cfa,     // CFA + offset
        from_aligned  // as from_cfa, of a stack pointer that was rounded down: by how much is
                      // unknown
    };
    Kind kind = nothing;
    std::uint8_t reg = 0;
    std::int32_t offset = 0;
    friend bool operator==(const KnownValue&, const KnownValue&) = default;
};

class CodeFrame {
public:
    // At the first instruction of a function: the return address is on top of the stack.
    static CodeFrame at_entry();

    // To what holds after `instruction`, where the code goes on with the next one.
    void apply(const Instruction& instruction);

    // Leaves what holds here and in `other`. Whether that is less than before.
    bool meet(const CodeFrame& other);

    // Forgets what calls do not preserve: registers, and words below the stack pointer.
    void forget_after_call();

    // What is known of a register (DWARF number, below 16), and of it alone, becomes `value`.
    void set(std::uint8_t reg, KnownValue value) { registers_[reg] = value; }
    [[nodiscard]] const KnownValue& operator[](std::uint8_t reg) const { return registers_[reg]; }

    // The same as call-frame information would say it; nothing if the CFA or the return address is
    // not known. Expressions are kept in `expressions`, which must outlive the rule.
    using Expressions = std::deque<std::vector<std::byte>>;
    [[nodiscard]] std::optional<UnwindRule> rule(Expressions& expressions) const;

    friend bool operator==(const CodeFrame&, const CodeFrame&) = default;

private:
    struct Word {
        KnownValue::Kind base = KnownValue::nothing;  // from_cfa or from_aligned
        std::int32_t offset = 0;
        KnownValue value;
        friend bool operator==(const Word&, const Word&) = default;
    };
    // Six callee-saved registers, the return address, the CFA itself: some are saved twice.
    static constexpr std::size_t max_words = 24;

    [[nodiscard]] KnownValue moved(std::uint8_t reg, std::int64_t by) const;
    [[nodiscard]] KnownValue word_at(const KnownValue& address) const;
    void store(const KnownValue& address, unsigned size, const KnownValue& value);
    void forget_words(KnownValue::Kind base);
    void push(const KnownValue& value);
    KnownValue pop();
    bool find_cfa(UnwindRule& rule, Expressions& expressions) const;
    [[nodiscard]] RegisterRule saved_register(std::uint8_t reg, Expressions& expressions) const;

    std::array<KnownValue, 16> registers_{};
    std::vector<Word> words_;  // by base and offset
};

}  // namespace fgread::x86_64
