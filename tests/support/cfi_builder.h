// Test support: makes the bytes of .eh_frame, .debug_frame and .eh_frame_hdr.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "unwind/unwind_table.h"

namespace fgread::test {

// Bytes written one value at a time, little-endian unless said otherwise.
class CfiBytes {
public:
    CfiBytes() = default;
    explicit CfiBytes(Endian endian) : endian_(endian) {}
    CfiBytes(std::initializer_list<unsigned> bytes) {
        for (const unsigned byte : bytes) u8(byte);
    }

    CfiBytes& u8(unsigned value) { return integer(value, 1); }
    CfiBytes& u16(unsigned value) { return integer(value, 2); }
    CfiBytes& u32(std::uint64_t value) { return integer(value, 4); }
    CfiBytes& u64(std::uint64_t value) { return integer(value, 8); }
    CfiBytes& integer(std::uint64_t value, unsigned size);
    CfiBytes& uleb(std::uint64_t value);
    CfiBytes& sleb(std::int64_t value);
    CfiBytes& text(const std::string& value);  // with its NUL
    CfiBytes& add(const CfiBytes& other);
    // An expression or other block: its length as ULEB128, then its bytes.
    CfiBytes& block(const CfiBytes& content);
    // Overwrites `size` bytes at `offset`.
    void patch(std::size_t offset, std::uint64_t value, unsigned size);

    [[nodiscard]] std::size_t size() const { return bytes_.size(); }
    [[nodiscard]] ByteView view() const { return bytes_; }
    [[nodiscard]] Endian endian() const { return endian_; }

private:
    Endian endian_ = Endian::little;
    std::vector<std::byte> bytes_;
};

// What a CIE says; the defaults are those of gcc for x86-64.
struct CieSpec {
    unsigned version = 1;
    std::string augmentation = "zR";
    std::uint64_t code_alignment = 1;
    std::int64_t data_alignment = -8;
    std::uint64_t return_address = 16;
    unsigned fde_encoding = 0x1b;  // pcrel, sdata4; used if the augmentation has an 'R'
    unsigned address_size = 8;     // written in version 4
    unsigned segment_size = 0;     // written in version 4
    // DW_CFA_def_cfa rsp+8, DW_CFA_offset rip at cfa-8
    CfiBytes instructions{0x0c, 7, 8, 0x90, 1};
    // Augmentation data, if it is more than the 'R' byte.
    CfiBytes augmentation_data{};
    bool wide = false;  // 64-bit length
};

class CfiBuilder {
public:
    // The section that is made, and its address.
    static CfiBuilder eh_frame(std::uint64_t address, Endian endian = Endian::little) {
        return CfiBuilder(address, false, endian);
    }
    static CfiBuilder debug_frame(Endian endian = Endian::little) {
        return CfiBuilder(0, true, endian);
    }

    // Adds an entry and returns its offset. `cie` is the offset of one made with `spec`.
    std::size_t cie(const CieSpec& spec = {});
    std::size_t fde(std::size_t cie, std::uint64_t start, std::uint64_t size,
                    const CfiBytes& instructions = {});
    void terminator() { bytes_.u32(0); }

    [[nodiscard]] CfiBytes& bytes() { return bytes_; }
    [[nodiscard]] std::uint64_t address() const { return address_; }

    // One row of a .eh_frame_hdr table.
    struct TableEntry {
        std::uint64_t start;
        std::uint64_t fde_offset;
    };
    // The FDEs made so far, sorted by start.
    [[nodiscard]] std::vector<TableEntry> table() const;
    // A header as ld makes it, with this table and a count of its own if given.
    [[nodiscard]] CfiBytes header(std::uint64_t header_address,
                                  const std::vector<TableEntry>& table) const;

    // The sections with nothing else in them. The builder must outlive what views them.
    [[nodiscard]] UnwindSections sections() const;

private:
    CfiBuilder(std::uint64_t address, bool is_debug_frame, Endian endian)
        : address_(address), is_debug_frame_(is_debug_frame), bytes_(endian) {}

    // Writes length and id around `body`.
    std::size_t entry(bool wide, std::uint64_t id, const CfiBytes& body);
    void add_address(CfiBytes& body, std::uint64_t value, std::uint64_t field_address,
                     unsigned encoding, unsigned address_size) const;

    struct KnownCie {
        std::size_t offset;
        CieSpec spec;
    };
    std::uint64_t address_;
    bool is_debug_frame_;
    CfiBytes bytes_;
    std::vector<KnownCie> cies_;
    std::vector<TableEntry> fdes_;
};

}  // namespace fgread::test
