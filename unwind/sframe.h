// SFrame: stack trace information without the generality of DWARF's, .sframe.
//
// Says of every pc where the CFA, the return address and the frame pointer are, and nothing of
// other registers. Specification: "The SFrame Format", version 2, of GNU binutils 2.41 to 2.45.
// Versions 1 and 3 are laid out otherwise and not read.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "perfdata/address.h"
#include "perfdata/byte_reader.h"
#include "unwind/cfa_program.h"

namespace fgread {

// Const calls are safe from several threads. Views the section's bytes.
class SFrame {
public:
    // Nothing if it is no SFrame section of version 2 for x86-64 or AArch64. Cost: 20 ns a
    // function.
    static std::optional<SFrame> read(ByteView section, Svma address, Endian endian);

    // What holds at `pc`, as a row of call-frame information: registers it says nothing of are
    // undefined, for they may have been changed. Nothing if no function covers it.
    [[nodiscard]] std::optional<CfaRow> row_at(Svma pc) const;

    struct Range {
        Svma start, end;  // exclusive
    };
    // The function that covers `pc`.
    [[nodiscard]] std::optional<Range> function_at(Svma pc) const;

    // The DWARF register that holds return addresses.
    [[nodiscard]] std::uint8_t return_address() const;
    // Functions that make no sense; they are left out.
    [[nodiscard]] std::uint64_t malformed() const { return malformed_; }

private:
    struct Function {
        std::uint64_t start = 0, end = 0;
        std::uint32_t rows = 0;  // offset in rows_
        std::uint32_t count = 0;
        std::uint8_t info = 0;
        std::uint8_t repeats = 0;  // bytes after which its rows hold again (stubs of a PLT)
    };
    struct Machine;

    bool read_header(ByteReader& in);
    void read_functions(ByteView section, Svma address);
    [[nodiscard]] const Function* find(Svma pc) const;

    Endian endian_ = Endian::little;
    const Machine* machine_ = nullptr;
    std::int8_t fixed_fp_ = 0, fixed_ra_ = 0;  // offsets from the CFA; 0: each row says it
    std::uint8_t flags_ = 0;
    std::uint32_t count_ = 0;
    std::uint64_t functions_at_ = 0, rows_at_ = 0;
    ByteView rows_;
    std::vector<Function> functions_;  // by start
    std::uint64_t malformed_ = 0;
};

}  // namespace fgread
