// ArmExidx: how to leave the functions of 32-bit Arm code, .ARM.exidx and .ARM.extab.
//
// One line a function says what its return pops. It holds where the function calls, and where an
// exception may come from; in prologues and epilogues it does not. "Exception Handling ABI for the
// Arm Architecture" (IHI 0038), sections 5 to 7 and 9.3 (EHABI below).
#pragma once

#include <cstdint>
#include <optional>

#include "perfdata/address.h"
#include "perfdata/byte_reader.h"
#include "unwind/cfa_program.h"

namespace fgread {

// Const calls are safe from several threads. Views the sections' bytes.
class ArmExidx {
public:
    struct Section {
        ByteView bytes;
        Svma address;
    };
    ArmExidx(const Section& index, const Section& table, Endian endian)
        : index_(index), table_(table), endian_(endian) {}

    // What holds at `pc`, as a row of call-frame information; registers that it does not name are
    // unspecified. Nothing if the function at `pc` cannot be left, or only by its personality
    // routine. Cost: a binary search.
    [[nodiscard]] std::optional<CfaRow> row_at(Svma pc) const;

    struct Range {
        Svma start, end;  // exclusive; the last function's end is not known
    };
    // What the line that covers `pc` is for.
    [[nodiscard]] std::optional<Range> function_at(Svma pc) const;

    static constexpr std::uint8_t return_address = 14;  // lr

private:
    struct Line {
        std::uint64_t start = 0;
        std::uint64_t at = 0;  // where its second word is, in index_
    };
    [[nodiscard]] std::size_t count() const { return index_.bytes.size() / 8; }
    [[nodiscard]] std::uint64_t start_of(std::size_t line) const;
    [[nodiscard]] std::optional<std::size_t> find(Svma pc) const;

    Section index_, table_;
    Endian endian_;
};

}  // namespace fgread
