// Abbreviation tables (DWARF 5, 7.5.3), compiled into plans for skipping DIEs fast.
//
// A unit has about a hundred abbreviations and thousands to millions of DIEs, nearly all of which
// are of no interest to inline expansion. Consecutive forms of fixed size become one step.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <tsl/robin_map.h>

#include "perfdata/byte_reader.h"
#include "symbols/dwarf_forms.h"

namespace fgread {

// Attributes of one kind of DIE, at most: compilers write up to 25. Some forms take no bytes, so
// that without a limit a DIE of one byte could cost as much as the whole table.
inline constexpr std::size_t max_attributes = 128;

struct AttributeSpec {
    std::uint16_t name = 0;
    std::uint16_t form = 0;
    FormLayout layout;  // of `form`; only in an AbbrevTable
    std::int64_t implicit_const = 0;
};

// What the walk does at a DIE of this abbreviation.
enum class DieRole : std::uint8_t {
    plain,  // nothing: skip its attributes, visit its children
    subprogram,
    inlined,
    scope,      // may qualify a name: namespace, class, module ...
    leaf_tree,  // its children are never code: skip them when a sibling is given
};

struct SkipStep {
    enum class Kind : std::uint8_t {
        bytes,      // `size` bytes
        leb,        // one LEB128
        leb_block,  // a LEB128 length and that many bytes: expressions, the commonest by far
        variable,   // anything else
        keep,       // an attribute the walk wants
    };
    Kind kind = Kind::bytes;
    FormLayout layout;       // variable
    std::uint32_t size = 0;  // bytes
    std::uint32_t spec = 0;  // keep: index of the attribute's spec
};

struct Abbrev {
    std::uint16_t tag = 0;
    bool has_children = false;
    DieRole role = DieRole::plain;
    std::uint32_t first_spec = 0, spec_count = 0;
    std::uint32_t first_step = 0, step_count = 0;
};

// One table, immutable once parsed: share it between threads.
class AbbrevTable {
public:
    // Parses from `offset` to the terminating 0. A damaged table keeps the entries before the
    // damage; DIEs that use others stop the walk of their unit.
    AbbrevTable(ByteView section, std::uint64_t offset, const FormSizes& sizes);

    [[nodiscard]] const Abbrev* find(std::uint64_t code) const {
        if (code - 1 < dense_) return &abbrevs_[static_cast<std::size_t>(code - 1)];
        return find_sparse(code);
    }
    [[nodiscard]] std::span<const AttributeSpec> specs(const Abbrev& abbrev) const {
        return {specs_.data() + abbrev.first_spec, abbrev.spec_count};
    }
    [[nodiscard]] std::span<const SkipStep> steps(const Abbrev& abbrev) const {
        return {steps_.data() + abbrev.first_step, abbrev.step_count};
    }
    [[nodiscard]] const AttributeSpec& spec(std::uint32_t index) const { return specs_[index]; }
    [[nodiscard]] std::uint64_t parsed_bytes() const { return parsed_bytes_; }
    // Whether any subprogram of this table can have an address: a unit that uses a table without
    // (gcc's early LTO debug information) need not be walked for code.
    [[nodiscard]] bool may_have_code() const { return may_have_code_; }

private:
    [[nodiscard]] const Abbrev* find_sparse(std::uint64_t code) const;
    void compile(Abbrev& abbrev, const FormSizes& sizes);

    std::vector<Abbrev> abbrevs_;
    std::vector<AttributeSpec> specs_;
    std::vector<SkipStep> steps_;
    std::size_t dense_ = 0;  // codes 1..dense_ are abbrevs_[code - 1]
    tsl::robin_map<std::uint64_t, std::uint32_t> sparse_;
    std::uint64_t parsed_bytes_ = 0;
    bool may_have_code_ = false;
};

// The specs of one abbreviation without building the table: a unit's first DIE mostly uses the
// table's first entry, and thousands of units are looked at for their addresses only.
struct SingleAbbrev {
    std::uint16_t tag = 0;
    bool has_children = false;
    std::vector<AttributeSpec> specs;
};
// `budget` is reduced by the bytes read; the search ends when it is used up.
[[nodiscard]] std::optional<SingleAbbrev> find_abbrev(ByteView section, std::uint64_t offset,
                                                      std::uint64_t code, std::uint64_t& budget);

}  // namespace fgread
