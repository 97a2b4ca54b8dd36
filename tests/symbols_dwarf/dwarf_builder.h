// Makes DWARF sections, byte by byte, for tests. No ELF file around them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "perfdata/byte_reader.h"
#include "symbols/dwarf_sections.h"

namespace fgread::test {

// Bytes that grow at the end, in either byte order.
class Sink {
public:
    explicit Sink(Endian endian = Endian::little) : endian_(endian) {}

    void u8(std::uint64_t value) { number(value, 1); }
    void u16(std::uint64_t value) { number(value, 2); }
    void u32(std::uint64_t value) { number(value, 4); }
    void u64(std::uint64_t value) { number(value, 8); }
    void number(std::uint64_t value, std::size_t size);
    void uleb(std::uint64_t value);
    void sleb(std::int64_t value);
    void text(std::string_view value);  // with a NUL
    void patch(std::size_t at, std::uint64_t value, std::size_t size);

    [[nodiscard]] std::size_t size() const { return bytes_.size(); }
    [[nodiscard]] const std::vector<std::byte>& bytes() const { return bytes_; }
    void resize(std::size_t size) { bytes_.resize(size); }

private:
    Endian endian_;
    std::vector<std::byte> bytes_;
};

// An attribute with its form and value: a number, or the text of DW_FORM_string.
struct Attr {
    std::uint16_t name = 0;
    std::uint16_t form = 0;
    std::uint64_t value = 0;
    std::string text;
};

// What the header of a unit says.
struct UnitOptions {
    std::uint16_t version = 4;
    std::uint8_t type = 1;  // DW_UT_*, version 5 only
    std::uint8_t address_size = 8;
    bool wide = false;           // 64-bit DWARF
    bool types_section = false;  // DWARF 4 type unit, in .debug_types
    std::uint64_t id = 0;        // DWO id or type signature, where the type has one
    std::uint32_t type_die = 0;
};

class DwarfBuilder {
public:
    explicit DwarfBuilder(Endian endian = Endian::little);

    // Returns the offset of the unit in its section.
    std::size_t begin_unit(const UnitOptions& options = {});
    void end_unit();
    // Adds a DIE; its abbreviation is made when it is the first of its kind. Returns its offset in
    // the unit.
    std::uint32_t die(std::uint16_t tag, const std::vector<Attr>& attributes,
                      bool children = false);
    // Ends a list of children.
    void end() { out().u8(0); }
    // Where the next DIE will be.
    [[nodiscard]] std::uint32_t next() const;

    // Shorthands for DW_FORM_string names and DW_FORM_addr/data8 ranges; those with children have
    // to be ended.
    std::uint32_t compile_unit(std::uint64_t low, std::uint64_t size, std::uint64_t language = 4);
    std::uint32_t subprogram(std::string_view name, std::uint64_t low, std::uint64_t size);
    std::uint32_t abstract(std::string_view name);  // without children
    std::uint32_t inlined(std::uint32_t origin, std::uint64_t low, std::uint64_t size);

    // Views of what has been built, valid until the builder changes.
    [[nodiscard]] DwarfSections sections() const;

    Sink info, types, abbrev, str, line, line_str, str_offsets, addr, ranges, rnglists, cu_index;

private:
    [[nodiscard]] Sink& out() { return unit_.types_section ? types : info; }
    void put_value(const Attr& attribute);

    Endian endian_;
    UnitOptions unit_;
    std::size_t unit_start_ = 0;
    std::size_t length_size_ = 4;
    std::map<std::vector<std::uint64_t>, std::uint64_t> codes_;
};

}  // namespace fgread::test
