#include "unwind/arm_exidx.h"

#include <array>

namespace fgread {
namespace {

constexpr unsigned sp = 13, lr = 14, pc_register = 15;
constexpr std::int64_t word = 4;
constexpr std::uint32_t cannot_unwind = 1;  // EHABI 6
constexpr std::uint64_t line_size = 8;
// A byte that says how many words follow has no more.
constexpr std::size_t max_instruction_bytes = 3 + 255 * 4;

// An offset of 31 bits from where it stands (EHABI 5).
std::uint64_t prel31(std::uint64_t address, std::uint32_t value) {
    const std::uint32_t sign = (value & 0x4000'0000) << 1;
    const auto offset = static_cast<std::int32_t>((value & 0x7fff'ffff) | sign);
    return (address + static_cast<std::uint64_t>(std::int64_t{offset})) & 0xffff'ffff;
}

// The instructions of one function: bytes in words, the most significant one first.
class Instructions {
public:
    void add(std::uint32_t from, unsigned bytes) {
        while (bytes-- > 0 && size_ < bytes_.size()) {
            bytes_[size_++] = static_cast<std::uint8_t>(from >> (8 * bytes));
        }
    }
    [[nodiscard]] bool at_end() const { return next_ == size_; }
    // What lies behind the last one means "finish" (EHABI 9.3).
    std::uint8_t next() { return at_end() ? finish : bytes_[next_++]; }
    static constexpr std::uint8_t finish = 0xb0;

private:
    std::array<std::uint8_t, max_instruction_bytes> bytes_{};
    std::size_t size_ = 0, next_ = 0;
};

// Executes them (EHABI 9.3, table 4). The virtual stack pointer is always a register and a number.
class Frame {
public:
    bool run(Instructions& code) {
        while (!code.at_end()) {
            const std::uint8_t op = code.next();
            if (op == Instructions::finish) break;
            if (!execute(op, code)) return false;
        }
        return true;
    }

    [[nodiscard]] CfaRow row() const {
        CfaRow row;
        row.cfa = {RuleKind::in_register, base_, offset_, {}};
        for (unsigned reg = 0; reg <= pc_register; ++reg) {
            if ((popped_ >> reg & 1) == 0) continue;
            // Popping pc is popping lr, and returning.
            const bool is_back = reg == pc_register;
            row.set(is_back ? lr : reg, {RuleKind::at_cfa, 0, places_[reg] - offset_, {}});
        }
        return row;
    }

private:
    bool execute(std::uint8_t op, Instructions& code) {
        if (op < 0x80) {
            const std::int64_t by = (op & 0x3f) * word + word;
            offset_ += op < 0x40 ? by : -by;
            return true;
        }
        if (op < 0x90) {
            const unsigned mask = (op & 0x0fu) << 8 | code.next();
            return mask != 0 && pop(mask << 4);  // 0: refuse to unwind
        }
        if (op < 0xa0) return set_base(op & 0x0f);
        if (op < 0xb0) {
            const unsigned registers = (1u << ((op & 7) + 1)) - 1;
            return pop(registers << 4 | (op & 8u ? 1u << lr : 0u));
        }
        if (op < 0xc0) return execute_b(op, code);
        return pop_coprocessor(op, code);
    }

    bool execute_b(std::uint8_t op, Instructions& code) {
        if (op == 0xb1) {
            const std::uint8_t mask = code.next();
            return mask != 0 && mask < 0x10 && pop(mask);
        }
        if (op == 0xb2) return add_large(code);
        if (op == 0xb3) return skip_doubles((code.next() & 0x0f) + 1, word);  // FSTMFDX
        if (op == 0xb4) return skip(word);  // the return address's signature
        if (op == 0xb5) return true;        // what that was made with
        if (op >= 0xb8) return skip_doubles((op & 7) + 1, word);
        return false;
    }

    bool pop_coprocessor(std::uint8_t op, Instructions& code) {
        if (op == 0xc6) return skip_doubles((code.next() & 0x0f) + 1, 0);  // WMMX
        if (op == 0xc7) return skip_words(code.next());
        if (op < 0xc8) return skip_doubles((op & 7) + 1, 0);
        if (op < 0xca) return skip_doubles((code.next() & 0x0f) + 1, 0);
        if (op >= 0xd0 && op < 0xd8) return skip_doubles((op & 7) + 1, 0);
        return false;
    }

    bool pop(unsigned registers) {
        // Who restores sp from the stack says so by an instruction for that.
        if ((registers >> sp & 1) != 0) return false;
        for (unsigned reg = 0; reg <= pc_register; ++reg) {
            if ((registers >> reg & 1) == 0) continue;
            places_[reg] = offset_;
            offset_ += word;
        }
        popped_ |= registers;
        return true;
    }

    // Places that are counted from another register are lost; none is seen popped before.
    bool set_base(unsigned reg) {
        if (reg == sp || reg == pc_register || popped_ != 0) return false;
        base_ = static_cast<std::uint16_t>(reg);
        offset_ = 0;
        return true;
    }

    bool add_large(Instructions& code) {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 28; shift += 7) {
            const std::uint8_t byte = code.next();
            value |= std::uint64_t{byte & 0x7fu} << shift;
            if (byte < 0x80) return skip(0x204 + static_cast<std::int64_t>(value << 2));
        }
        return false;
    }

    bool skip_words(std::uint8_t mask) {
        if (mask == 0 || mask > 0x0f) return false;
        for (; mask != 0; mask &= static_cast<std::uint8_t>(mask - 1)) offset_ += word;
        return true;
    }
    bool skip_doubles(int count, std::int64_t more) { return skip(count * 2 * word + more); }
    bool skip(std::int64_t bytes) {
        offset_ += bytes;
        return true;
    }

    std::uint16_t base_ = sp;
    std::int64_t offset_ = 0;  // of the virtual stack pointer from it
    unsigned popped_ = 0;
    std::array<std::int64_t, pc_register + 1> places_{};  // from it, of those popped
};

}  // namespace

std::uint64_t ArmExidx::start_of(std::size_t line) const {
    ByteReader in(index_.bytes, endian_);
    in.seek(line * line_size);
    return prel31(index_.address.value + line * line_size, in.u32());
}

std::optional<std::size_t> ArmExidx::find(Svma pc) const {
    std::size_t first = 0, last = count();
    while (first < last) {
        const std::size_t middle = first + (last - first) / 2;
        if (start_of(middle) <= pc.value) {
            first = middle + 1;
        } else {
            last = middle;
        }
    }
    return first == 0 ? std::nullopt : std::optional(first - 1);
}

std::optional<ArmExidx::Range> ArmExidx::function_at(Svma pc) const {
    const auto line = find(pc);
    if (!line) return std::nullopt;
    const bool is_last = *line + 1 == count();
    return Range{{start_of(*line)}, {is_last ? pc.value + 1 : start_of(*line + 1)}};
}

std::optional<CfaRow> ArmExidx::row_at(Svma pc) const {
    const auto line = find(pc);
    if (!line) return std::nullopt;
    const std::uint64_t at = *line * line_size + 4;
    ByteReader in(index_.bytes, endian_);
    in.seek(at);
    std::uint32_t head = in.u32();
    if (!in.ok() || head == cannot_unwind) return std::nullopt;

    constexpr std::uint32_t compact = 0x8000'0000;
    Instructions code;
    unsigned more = 0;  // words behind the first one
    if ((head & compact) != 0) {
        if ((head & 0x7f00'0000) != 0) return std::nullopt;
        code.add(head, 3);
    } else {
        const std::uint64_t entry = prel31(index_.address.value + at, head);
        in = ByteReader(table_.bytes, endian_);
        in.seek(entry - table_.address.value);
        head = in.u32();
        if ((head & compact) == 0) {
            // Of its own personality routine. Assemblers lay out those of all languages alike.
            head = in.u32();
            more = head >> 24;
            code.add(head, 3);
        } else if (const std::uint32_t routine = head >> 24 & 0x7f; routine == 0) {
            code.add(head, 3);
        } else if (routine <= 2) {
            more = head >> 16 & 0xff;
            code.add(head, 2);
        } else {
            return std::nullopt;
        }
    }
    for (; more != 0; --more) code.add(in.u32(), 4);
    Frame frame;
    if (!in.ok() || !frame.run(code)) return std::nullopt;
    return frame.row();
}

}  // namespace fgread
