// Attribute forms (DWARF 5, 7.5.5 and 7.5.6): how long a value is and what class it has.
//
// Ours and not libdw's, because the walk over the DIEs is the cost of inline expansion: libdw
// needs 64 ns per DIE on gcc's units and 240 to 295 on rustc's.
#pragma once

#include <cstdint>

#include "perfdata/byte_reader.h"

namespace fgread {

// What a unit header fixes about the sizes of forms.
struct FormSizes {
    std::uint16_t version = 5;
    std::uint8_t address_size = 8;  // 4 or 8
    std::uint8_t offset_size = 4;   // 8 in 64-bit DWARF
    Endian endian = Endian::little;
};

enum class FormClass : std::uint8_t {
    none,
    address,
    address_index,  // into .debug_addr
    constant,
    section_offset,
    range_list_index,
    flag,
    block,
    string_inline,
    string_offset,            // into .debug_str
    line_string_offset,       // into .debug_line_str
    string_index,             // into .debug_str_offsets
    string_supplementary,     // into .debug_str of the supplementary (dwz) file
    reference_unit,           // offset from the start of this unit
    reference_info,           // offset into .debug_info of this file
    reference_supplementary,  // offset into .debug_info of the supplementary file
    reference_signature,      // of a type unit
};

struct FormValue {
    FormClass form_class = FormClass::none;
    std::uint64_t value = 0;  // number, offset or index; two's complement of signed constants
    ByteView bytes;           // of block and string_inline (without its NUL)

    explicit operator bool() const { return form_class != FormClass::none; }
};

// A position in the bytes of a unit. All reads are checked; after a failure the position is null
// and stays so.
class DieCursor {
public:
    DieCursor(ByteView bytes, std::size_t position)
        : begin_(bytes.data()), end_(bytes.data() + bytes.size()) {
        at_ = position <= bytes.size() ? begin_ + position : nullptr;
    }

    [[nodiscard]] bool ok() const { return at_ != nullptr; }
    [[nodiscard]] bool at_end() const { return at_ == end_ || at_ == nullptr; }
    [[nodiscard]] std::size_t position() const { return static_cast<std::size_t>(at_ - begin_); }
    void fail() { at_ = nullptr; }

    void skip(std::uint64_t size) {
        if (at_ == nullptr || static_cast<std::uint64_t>(end_ - at_) < size) return fail();
        at_ += size;
    }
    void seek(std::uint64_t position) {
        if (static_cast<std::uint64_t>(end_ - begin_) < position) return fail();
        at_ = begin_ + position;
    }
    [[nodiscard]] std::uint64_t uleb() {
        if (at_ == nullptr || at_ == end_) {
            fail();
            return 0;
        }
        const auto first = static_cast<std::uint8_t>(*at_);
        if (first < 0x80) {
            ++at_;
            return first;
        }
        return long_uleb();
    }
    [[nodiscard]] std::int64_t sleb();
    void skip_leb() {
        while (at_ != nullptr && at_ != end_) {
            if (static_cast<std::uint8_t>(*at_++) < 0x80) return;
        }
        fail();
    }
    template <class T>
    [[nodiscard]] T read(Endian endian) {
        const std::byte* from = at_;
        skip(sizeof(T));
        return at_ == nullptr ? T{} : load_unchecked<T>(from, endian);
    }
    // An unsigned integer of 1, 2, 3, 4 or 8 bytes.
    [[nodiscard]] std::uint64_t read_sized(std::size_t size, Endian endian);
    [[nodiscard]] ByteView bytes(std::uint64_t size);
    [[nodiscard]] ByteView c_string();

private:
    [[nodiscard]] std::uint64_t long_uleb();

    const std::byte* begin_;
    const std::byte* end_;
    const std::byte* at_;
};

// How a form is laid out, looked up once per attribute of an abbreviation and not once per DIE.
struct FormLayout {
    enum class Kind : std::uint8_t {
        unknown,
        none,      // no bytes: the value is 1 (DW_FORM_flag_present)
        implicit,  // no bytes: the value is in the abbreviation
        fixed,     // a number of `size` bytes
        raw,       // `size` bytes that are no number
        uleb,
        sleb,
        c_string,
        block,     // length of `size` bytes (0: ULEB128), then that many
        indirect,  // the form itself stands before the value
    };
    Kind kind = Kind::unknown;
    std::uint8_t size = 0;
    FormClass form_class = FormClass::none;

    // Size of any value of this form; -1 if it depends on the value.
    [[nodiscard]] int fixed_size() const;
};
[[nodiscard]] FormLayout form_layout(std::uint64_t form, const FormSizes& sizes);

// Reads a value and moves behind it. `implicit_const` is the abbreviation's own value. An unknown
// form fails the cursor: its size, and so the rest of the unit, is unknown.
[[nodiscard]] FormValue read_form(DieCursor& cursor, FormLayout layout, const FormSizes& sizes,
                                  std::int64_t implicit_const);
[[nodiscard]] inline FormValue read_form(DieCursor& cursor, std::uint64_t form,
                                         const FormSizes& sizes, std::int64_t implicit_const) {
    return read_form(cursor, form_layout(form, sizes), sizes, implicit_const);
}

}  // namespace fgread
