#include "symbols/dwarf_names.h"

#include <array>
#include <vector>

#include <dwarf.h>

namespace fgread {

namespace {

// What one DIE itself says about a name, not yet looked up in other sections.
struct Facts {
    const DwarfUnit* unit = nullptr;
    FormValue linkage, name, abstract_origin, specification;

    [[nodiscard]] std::string_view linkage_text() const { return attribute_string(*unit, linkage); }
    [[nodiscard]] std::string_view name_text() const { return attribute_string(*unit, name); }
    [[nodiscard]] DieRef origin() const { return attribute_reference(*unit, abstract_origin); }
    // The DIE that knows more.
    [[nodiscard]] DieRef next() const {
        return attribute_reference(*unit, abstract_origin ? abstract_origin : specification);
    }
};

Facts read_facts(DieRef die) {
    Facts facts{die.unit, {}, {}, {}, {}};
    visit_attributes(die, [&](std::uint16_t attribute, const FormValue& value) {
        switch (attribute) {
            case DW_AT_linkage_name:
            case DW_AT_MIPS_linkage_name:  // before DWARF 4
                facts.linkage = value;
                break;
            case DW_AT_name:
                facts.name = value;
                break;
            case DW_AT_abstract_origin:
                facts.abstract_origin = value;
                break;
            case DW_AT_specification:
                facts.specification = value;
                break;
            default:
                break;
        }
    });
    return facts;
}

std::uint16_t tag_of(DieRef die) {
    const AbbrevTable* table = die.unit->file->abbrevs(*die.unit);
    if (table == nullptr) return 0;
    DieCursor cursor(die.unit->bytes, die.offset);
    const Abbrev* abbrev = table->find(cursor.uleb());
    return abbrev == nullptr ? std::uint16_t{0} : abbrev->tag;
}

// Names of C functions are complete as they are.
bool has_scopes(std::uint16_t language) {
    switch (language) {
        case DW_LANG_C:
        case DW_LANG_C89:
        case DW_LANG_C99:
        case DW_LANG_C11:
        case DW_LANG_Mips_Assembler:
            return false;
        default:
            return true;
    }
}

// As clang and gcc call what has no name.
std::string_view nameless(std::uint16_t tag) {
    switch (tag) {
        case DW_TAG_namespace:
            return "(anonymous namespace)";
        case DW_TAG_class_type:
            return "(anonymous class)";
        case DW_TAG_structure_type:
            return "(anonymous struct)";
        case DW_TAG_union_type:
            return "(anonymous union)";
        case DW_TAG_enumeration_type:
            return "(anonymous enum)";
        default:
            return {};
    }
}

std::string_view scope_name(DieRef scope) {
    const std::uint16_t tag = tag_of(scope);
    for (int step = 0; scope && step < max_origin_steps; ++step) {
        const Facts facts = read_facts(scope);
        const std::string_view name = facts.name_text();
        if (!name.empty()) return name;
        scope = facts.next();
    }
    return nameless(tag);
}

}  // namespace

const FunctionName* DwarfNames::name_of(DieRef die) {
    // An inlined call has no name of its own: all calls of one function share its origin's.
    const Facts own = read_facts(die);
    const DieRef other = own.linkage ? DieRef{} : own.origin();
    const DieRef origin = other ? other : die;
    {
        const std::scoped_lock lock(mutex_);
        const auto found = by_origin_.find(origin);
        if (found != by_origin_.end()) return found->second;
    }
    // Not under the lock: it may walk a unit. Two threads then make the same name.
    const FunctionName name = make_name(origin);
    const std::scoped_lock lock(mutex_);
    const auto [place, added] = by_origin_.try_emplace(origin, nullptr);
    if (added) {
        names_.push_back(name);
        place.value() = &names_.back();
    }
    return place->second;
}

FunctionName DwarfNames::make_name(DieRef die) {
    DieRef named;
    std::string_view name;
    for (int step = 0; die && step < max_origin_steps; ++step) {
        const Facts facts = read_facts(die);
        const std::string_view linkage = facts.linkage_text();
        if (!linkage.empty()) return {linkage, true};
        const std::string_view own = facts.name_text();
        if (!own.empty()) {
            if (name.empty()) name = own;
            named = die;  // the declaration, which comes last, stands in its class
        }
        die = facts.next();
    }
    if (name.empty() || !has_scopes(named.unit->language)) return {name, false};
    std::string text = qualified(named, name);
    if (text.size() == name.size()) return {name, false};
    const std::scoped_lock lock(mutex_);
    if (text_bytes_ > max_qualified_bytes) return {name, false};
    text_bytes_ += text.size();
    texts_.push_back(std::move(text));
    return {texts_.back(), false};
}

std::string DwarfNames::qualified(DieRef named, std::string_view name) {
    const UnitInlines& inlines = inlines_of_(*named.unit);
    std::vector<std::string_view> parts{name};
    std::size_t length = name.size();
    std::uint32_t scope = inlines.scope_of(named.offset);
    for (int step = 0; scope != no_node && step < max_name_scopes; ++step) {
        const ScopeNode& node = inlines.scopes()[scope];
        const std::string_view part = scope_name({named.unit, node.begin});
        if (part.empty() || length + part.size() > max_qualified_name) break;
        parts.push_back(part);
        length += part.size() + 2;
        scope = node.parent;
    }
    std::string text;
    text.reserve(length);
    for (std::size_t i = parts.size(); i-- > 0;) {
        text += parts[i];
        if (i > 0) text += "::";
    }
    return text;
}

}  // namespace fgread
