// UnwindTable: the call-frame information of one module, compiled on first use.
//
// .eh_frame (and .debug_frame) say by little programs how to find the caller of every pc. They are
// run for the functions that are really hit, 1 KiB of text at a time, and their rows stored as (pc,
// number of an interned rule), so that a lookup is a search in a few cache lines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "perfdata/address.h"
#include "perfdata/byte_reader.h"
#include "perfdata/diagnostics.h"
#include "unwind/registers.h"
#include "unwind/unwind_rule.h"

namespace fgread {

// The bytes of a module's unwind sections and where they are in its address space (SVMA). The
// memory must outlive the table. Empty views for sections the module does not have.
struct UnwindSections {
    ByteView eh_frame;
    Svma eh_frame_address;
    ByteView eh_frame_hdr;
    Svma eh_frame_hdr_address;
    ByteView debug_frame;  // decompressed
    ByteView sframe;       // asked where the others say nothing
    Svma sframe_address;
    ByteView arm_exidx;  // and these, of 32-bit Arm, before it
    Svma arm_exidx_address;
    ByteView arm_extab;
    Svma arm_extab_address;
    Svma text_address;  // base of DW_EH_PE_textrel
    Svma data_address;  // base of DW_EH_PE_datarel in .eh_frame (the GOT)
    Endian endian = Endian::little;
    std::uint8_t address_size = 8;
    RegisterNumbers numbers;  // of the module's machine
};

// Where a rule comes from, in the order in which they are asked.
enum class RuleSource : std::uint8_t { none, eh_frame, debug_frame, arm_exidx, sframe };
inline constexpr std::size_t rule_source_count = 5;

class UnwindTable {
public:
    // Takes note of the sections and finds the way to the FDEs (the .eh_frame_hdr table if it is
    // sound, else one linear scan); compiles nothing yet.
    explicit UnwindTable(const UnwindSections& sections);

    // The rule that holds at `pc` (a lookup address: already -1 for a return address), or null if
    // no FDE covers it. The rule lives as long as the table. Thread-safe: the first lookup in a
    // function's part of a block compiles it under a lock, later ones take none, except where FDEs
    // overlap.
    [[nodiscard]] const UnwindRule* find(Svma pc) const;

    // Where find() has its rule from. Thread-safe; costs as much.
    [[nodiscard]] RuleSource source_of(Svma pc) const;

    // Start of the FDE that covers pc: the start of its function, as far as CFI knows.
    struct FdeRange {
        Svma start, end;
    };
    [[nodiscard]] std::optional<FdeRange> fde_range(Svma pc) const;

    struct Stats {
        std::uint64_t fdes_compiled, rows, rules, malformed;
    };
    [[nodiscard]] Stats stats() const;

    ~UnwindTable();
    UnwindTable(UnwindTable&&) noexcept;
    UnwindTable& operator=(UnwindTable&&) noexcept;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace fgread
