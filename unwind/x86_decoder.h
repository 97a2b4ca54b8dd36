// X86Decoder: what single x86-64 instructions do to the frame of their function.
//
// Capstone decodes; what matters for unwinding is little: what moves between general registers and
// stack, and where the code goes on.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "perfdata/byte_reader.h"

namespace fgread::x86_64 {

// Registers by DWARF numbers, rax to r15. Intel SDM volume 2 has the instructions.
struct Instruction {
    enum Kind : std::uint8_t {
        other,         // no more than `writes` says
        nothing,       // nop
        push,          // of `source`
        pop,           // into `target`
        copy,          // target = source
        add,           // target = source + displacement: lea, add, sub
        load,          // target = the word at source + displacement
        store,         // `size` bytes at target + displacement are now `source`
        align,         // target is rounded down
        leave,         // rsp = rbp, then pop rbp
        compare,       // of target with source
        call,          // to `destination` if that is known
        jump,          // to `destination`
        branch,        // there or to the next one
        jump_unknown,  // a switch, or a call that does not come back
        stop,          // ret, ud2, hlt: nothing follows
    };
    static constexpr std::uint8_t none = 0xff;  // no register, or one whose value is of no interest

    Kind kind = other;
    std::uint8_t length = 0;  // bytes
    std::uint8_t target = none, source = none;
    std::uint16_t size = 0;           // of a store, in bytes
    bool if_different = false;        // a branch taken where a comparison found no equality
    std::uint32_t writes = 0;         // mask of registers that now hold something else
    std::int64_t displacement = 0;    // bytes
    std::uint64_t address_taken = 0;  // of a lea relative to rip; else 0
    std::uint64_t constant = 0;       // that a mov puts into a register; else 0
    std::uint64_t destination = 0;    // as the addresses given to decode(); 0: not known
};

// Not thread-safe.
class X86Decoder {
public:
    // Loads Capstone (6 MB; linked, it would double the time that fgread takes to start). Null if
    // it is not installed.
    static std::unique_ptr<X86Decoder> open();

    // The first instruction of `code`, which begins at `address`. Nothing if there is none, or a
    // part of one only. Some 300 ns.
    [[nodiscard]] std::optional<Instruction> decode(ByteView code, std::uint64_t address);

    ~X86Decoder();
    X86Decoder(const X86Decoder&) = delete;
    X86Decoder& operator=(const X86Decoder&) = delete;

private:
    struct State;
    explicit X86Decoder(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace fgread::x86_64
