// CIE and FDE: the entries of .eh_frame and .debug_frame.
// DWARF 5, 6.4.1; LSB Core 5.0, 10.6 for .eh_frame and its augmentations.
#pragma once

#include <cstdint>
#include <optional>

#include "perfdata/address.h"
#include "perfdata/byte_reader.h"
#include "unwind/pointer_encoding.h"
#include "unwind/registers.h"

namespace fgread {

// One of the two sections. Views the bytes; everything parsed from it views them too.
struct CfiSection {
    ByteView bytes;
    PointerBases bases;  // bases.section is the section's own SVMA
    Endian endian = Endian::little;
    bool is_debug_frame = false;
    RegisterNumbers numbers;

    // Address size may differ per CIE (version 4).
    [[nodiscard]] PointerBases bases_for(std::uint8_t address_size) const {
        PointerBases result = bases;
        result.address_size = address_size;
        return result;
    }
};

// The frame common to CIE and FDE.
struct CfiEntry {
    enum class Kind : std::uint8_t { cie, fde, terminator };
    Kind kind = Kind::terminator;
    std::uint64_t offset = 0;      // of the length field, in the section
    std::uint64_t body = 0;        // first byte after the CIE id or pointer
    std::uint64_t end = 0;         // one past the entry: where the next one starts
    std::uint64_t cie_offset = 0;  // of an FDE
};

struct Cie {
    std::uint64_t offset = 0;
    std::uint8_t version = 0;
    std::uint8_t address_size = 8;
    std::uint8_t segment_size = 0;
    std::uint8_t fde_encoding = 0;
    std::uint8_t lsda_encoding = 0xff;
    std::uint8_t return_address = 0;     // place of the register, below RegisterFile::capacity
    bool has_augmentation_size = false;  // 'z'
    bool signal_frame = false;           // 'S'
    bool at_calls_only = false;          // as UnwindRule's; no call-frame information is so
    std::uint64_t code_alignment = 1;
    std::int64_t data_alignment = 1;
    ByteView instructions;
};

struct Fde {
    std::uint64_t offset = 0;
    std::uint64_t cie_offset = 0;
    std::uint64_t start = 0;  // SVMA
    std::uint64_t end = 0;    // exclusive, greater than start
    ByteView instructions;
};

// The entry at `offset`. Nothing if it does not lie inside the section: no later entry can be
// found then.
[[nodiscard]] std::optional<CfiEntry> read_entry(const CfiSection& section, std::uint64_t offset);

// The CIE at `offset`; nothing if there is none or it cannot be used (unknown augmentation
// without a size, unknown version).
[[nodiscard]] std::optional<Cie> read_cie(const CfiSection& section, std::uint64_t offset);

// The FDE `entry`, whose CIE is `cie`; nothing if it is malformed or covers no address.
[[nodiscard]] std::optional<Fde> read_fde(const CfiSection& section, const CfiEntry& entry,
                                          const Cie& cie);

}  // namespace fgread
