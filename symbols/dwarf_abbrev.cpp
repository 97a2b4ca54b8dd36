#include "symbols/dwarf_abbrev.h"

#include <algorithm>

#include <dwarf.h>

namespace fgread {

namespace {

DieRole role_of(std::uint64_t tag) {
    switch (tag) {
        case DW_TAG_subprogram:
            return DieRole::subprogram;
        case DW_TAG_inlined_subroutine:
            return DieRole::inlined;
        case DW_TAG_namespace:
        case DW_TAG_module:
        case DW_TAG_class_type:
        case DW_TAG_structure_type:
        case DW_TAG_union_type:
        case DW_TAG_interface_type:
        // rustc puts the methods of a field-less enum into it.
        case DW_TAG_enumeration_type:
            return DieRole::scope;
        case DW_TAG_call_site:
        case DW_TAG_GNU_call_site:
        case DW_TAG_array_type:
        case DW_TAG_subroutine_type:
            return DieRole::leaf_tree;
        default:
            return DieRole::plain;
    }
}

bool walk_keeps(DieRole role, std::uint16_t name) {
    switch (role) {
        case DieRole::subprogram:
        case DieRole::inlined:
            return name == DW_AT_low_pc || name == DW_AT_high_pc || name == DW_AT_ranges;
        case DieRole::leaf_tree:
            return name == DW_AT_sibling;
        case DieRole::scope:
        case DieRole::plain:
            return false;
    }
    return false;
}

SkipStep::Kind variable_step(FormLayout layout) {
    switch (layout.kind) {
        case FormLayout::Kind::uleb:
        case FormLayout::Kind::sleb:
            return SkipStep::Kind::leb;
        case FormLayout::Kind::block:
            return layout.size == 0 ? SkipStep::Kind::leb_block : SkipStep::Kind::variable;
        default:
            return SkipStep::Kind::variable;
    }
}

std::uint16_t narrow(std::uint64_t value) {
    // Names and forms beyond 16 bits do not exist; 0xffff is no form, so it stops the walk.
    return value > 0xffff ? std::uint16_t{0xffff} : static_cast<std::uint16_t>(value);
}

// Calls visit(name, form, constant) with each (name, form) pair of one entry; false at the end of
// the section, or if they are too many.
template <typename Visit>
bool each_spec(DieCursor& cursor, const Visit& visit) {
    for (std::size_t count = 0; count <= max_attributes; ++count) {
        const std::uint64_t name = cursor.uleb();
        const std::uint64_t form = cursor.uleb();
        const std::int64_t constant = form == DW_FORM_implicit_const ? cursor.sleb() : 0;
        if (!cursor.ok()) return false;
        if (name == 0 && form == 0) return true;
        visit(name, form, constant);
    }
    return false;
}

bool read_specs(DieCursor& cursor, std::vector<AttributeSpec>& specs) {
    return each_spec(cursor, [&](std::uint64_t name, std::uint64_t form, std::int64_t constant) {
        specs.push_back({narrow(name), narrow(form), {}, constant});
    });
}

bool skip_specs(DieCursor& cursor) {
    return each_spec(cursor, [](std::uint64_t, std::uint64_t, std::int64_t) {});
}

}  // namespace

AbbrevTable::AbbrevTable(ByteView section, std::uint64_t offset, const FormSizes& sizes) {
    if (offset > section.size()) return;
    DieCursor cursor(section, static_cast<std::size_t>(offset));
    while (!cursor.at_end()) {
        const std::uint64_t code = cursor.uleb();
        if (code == 0) break;
        Abbrev abbrev;
        const std::uint64_t tag = cursor.uleb();
        abbrev.tag = narrow(tag);
        abbrev.role = role_of(tag);
        abbrev.has_children = cursor.read<std::uint8_t>(sizes.endian) != 0;
        abbrev.first_spec = static_cast<std::uint32_t>(specs_.size());
        if (!read_specs(cursor, specs_)) break;
        abbrev.spec_count = static_cast<std::uint32_t>(specs_.size()) - abbrev.first_spec;
        compile(abbrev, sizes);
        if (dense_ == abbrevs_.size() && code == dense_ + 1) {
            ++dense_;
        } else {
            sparse_.emplace(code, static_cast<std::uint32_t>(abbrevs_.size()));
        }
        abbrevs_.push_back(abbrev);
    }
    parsed_bytes_ = cursor.ok() ? cursor.position() - offset : section.size() - offset;
}

const Abbrev* AbbrevTable::find_sparse(std::uint64_t code) const {
    const auto found = sparse_.find(code);
    return found == sparse_.end() ? nullptr : &abbrevs_[found->second];
}

void AbbrevTable::compile(Abbrev& abbrev, const FormSizes& sizes) {
    abbrev.first_step = static_cast<std::uint32_t>(steps_.size());
    for (std::uint32_t i = 0; i < abbrev.spec_count; ++i) {
        const std::uint32_t index = abbrev.first_spec + i;
        AttributeSpec& spec = specs_[index];
        const FormLayout layout = form_layout(spec.form, sizes);
        spec.layout = layout;
        if (walk_keeps(abbrev.role, spec.name)) {
            steps_.push_back({SkipStep::Kind::keep, {}, 0, index});
            if (abbrev.role == DieRole::subprogram) may_have_code_ = true;
            continue;
        }
        const int size = layout.fixed_size();
        const bool extends = size >= 0 && steps_.size() > abbrev.first_step &&
                             steps_.back().kind == SkipStep::Kind::bytes;
        if (extends) {
            steps_.back().size += static_cast<std::uint32_t>(size);
        } else if (size > 0) {
            steps_.push_back({SkipStep::Kind::bytes, {}, static_cast<std::uint32_t>(size), 0});
        } else if (size < 0) {
            steps_.push_back({variable_step(layout), layout, 0, 0});
        }
    }
    abbrev.step_count = static_cast<std::uint32_t>(steps_.size()) - abbrev.first_step;
}

std::optional<SingleAbbrev> find_abbrev(ByteView section, std::uint64_t offset, std::uint64_t code,
                                        std::uint64_t& budget) {
    if (offset > section.size()) return std::nullopt;
    DieCursor cursor(section, static_cast<std::size_t>(offset));
    SingleAbbrev result;
    while (!cursor.at_end()) {
        const std::size_t start = cursor.position();
        const std::uint64_t found = cursor.uleb();
        if (found == 0) break;
        result.tag = narrow(cursor.uleb());
        result.has_children = cursor.read<std::uint8_t>(Endian::little) != 0;
        if (!(found == code ? read_specs(cursor, result.specs) : skip_specs(cursor))) break;
        const std::uint64_t used = cursor.position() - start;
        if (used > budget) break;
        budget -= used;
        if (found == code) return result;
    }
    return std::nullopt;
}

}  // namespace fgread
