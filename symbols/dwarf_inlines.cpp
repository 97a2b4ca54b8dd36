#include "symbols/dwarf_inlines.h"

#include <algorithm>

#include <dwarf.h>

#include "symbols/dwarf_paint.h"
#include "symbols/dwarf_ranges.h"

namespace fgread {

// Scopes that end before a DIE and begin in each other: as deep as real code nests, or a file made
// to have each name cost as much as all of its scopes.
constexpr int max_scope_depth = 1024;

class UnitWalker {
public:
    UnitWalker(const DwarfUnit& unit, const AbbrevTable& table, UnitInlines& result)
        : unit_(unit), table_(table), result_(result), budget_(RangeBudget::for_dies(unit)) {}

    // False if the DIEs are damaged: what precedes the damage is kept.
    bool walk();
    void paint_nodes();
    [[nodiscard]] std::uint64_t bad_ranges() const { return bad_ranges_; }

private:
    // What the children of an open DIE are inside of.
    struct Open {
        std::uint32_t node = no_node;
        std::uint32_t scope = no_node;
    };
    enum class Step : std::uint8_t { next, done, damaged };

    Step step(DieCursor& cursor);
    Step leave(const DieCursor& cursor);
    template <class Keep>
    void read_attributes(const Abbrev& abbrev, DieCursor& cursor, Keep&& keep) const;
    void skip(const Abbrev& abbrev, DieCursor& cursor) const;
    bool skip_tree(const Abbrev& abbrev, DieCursor& cursor) const;
    std::uint32_t add_node(const Abbrev& abbrev, DieCursor& cursor, std::uint32_t die);
    PcAttributes read_pcs(const Abbrev& abbrev, DieCursor& cursor) const;
    void add_ranges(const PcAttributes& pcs, std::uint32_t node);

    const DwarfUnit& unit_;
    const AbbrevTable& table_;
    UnitInlines& result_;
    RangeBudget budget_;
    Open inside_;                    // of the next DIE
    std::vector<Open> outer_;        // what inside_ was around each open DIE
    std::vector<SvmaRange> ranges_;  // of one DIE, kept to reuse its memory
    std::vector<PaintRange> painted_;
    std::uint64_t bad_ranges_ = 0;
};

bool UnitWalker::walk() {
    DieCursor cursor(unit_.bytes, unit_.first_die);
    Step outcome = Step::next;
    while (outcome == Step::next) outcome = step(cursor);
    for (ScopeNode& scope : result_.scopes_) {
        if (scope.end == 0) scope.end = static_cast<std::uint32_t>(unit_.bytes.size());
    }
    return outcome == Step::done;
}

// One DIE, or the end of a list of children.
UnitWalker::Step UnitWalker::step(DieCursor& cursor) {
    const auto die = static_cast<std::uint32_t>(cursor.position());
    const std::uint64_t code = cursor.uleb();
    if (!cursor.ok()) return Step::damaged;
    if (code == 0) return leave(cursor);
    const Abbrev* abbrev = table_.find(code);
    if (abbrev == nullptr) return Step::damaged;
    ++result_.dies_;
    Open children = inside_;
    switch (abbrev->role) {
        case DieRole::plain:
        case DieRole::scope:
            skip(*abbrev, cursor);
            break;
        case DieRole::leaf_tree:
            if (skip_tree(*abbrev, cursor)) return Step::next;
            break;
        case DieRole::subprogram:
        case DieRole::inlined:
            children.node = add_node(*abbrev, cursor, die);
            break;
    }
    if (!cursor.ok()) return Step::damaged;
    if (!abbrev->has_children) return outer_.empty() ? Step::done : Step::next;
    if (abbrev->role == DieRole::scope || abbrev->role == DieRole::subprogram) {
        children.scope = static_cast<std::uint32_t>(result_.scopes_.size());
        result_.scopes_.push_back({die, 0, inside_.scope});
    }
    outer_.push_back(inside_);
    inside_ = children;
    return Step::next;
}

UnitWalker::Step UnitWalker::leave(const DieCursor& cursor) {
    if (outer_.empty()) return Step::done;  // padding where a DIE should be
    const Open outer = outer_.back();
    outer_.pop_back();
    if (inside_.scope != outer.scope) {
        result_.scopes_[inside_.scope].end = static_cast<std::uint32_t>(cursor.position());
    }
    inside_ = outer;
    return outer_.empty() ? Step::done : Step::next;
}

// Moves over the attributes of a DIE; `keep(spec, value)` gets those the plan keeps.
template <class Keep>
void UnitWalker::read_attributes(const Abbrev& abbrev, DieCursor& cursor, Keep&& keep) const {
    for (const SkipStep& step : table_.steps(abbrev)) {
        switch (step.kind) {
            case SkipStep::Kind::bytes:
                cursor.skip(step.size);
                break;
            case SkipStep::Kind::leb:
                cursor.skip_leb();
                break;
            case SkipStep::Kind::leb_block:
                cursor.skip(cursor.uleb());
                break;
            case SkipStep::Kind::variable:
                static_cast<void>(read_form(cursor, step.layout, unit_.sizes, 0));
                break;
            case SkipStep::Kind::keep: {
                const AttributeSpec& spec = table_.spec(step.spec);
                keep(spec.name, read_form(cursor, spec.layout, unit_.sizes, spec.implicit_const));
                break;
            }
        }
    }
}

void UnitWalker::skip(const Abbrev& abbrev, DieCursor& cursor) const {
    read_attributes(abbrev, cursor, [](std::uint16_t, const FormValue&) {});
}

// Skips a DIE together with its children, if it says where they end; otherwise only the DIE.
bool UnitWalker::skip_tree(const Abbrev& abbrev, DieCursor& cursor) const {
    FormValue sibling;
    read_attributes(abbrev, cursor,
                    [&](std::uint16_t, const FormValue& value) { sibling = value; });
    if (!cursor.ok() || !abbrev.has_children) return false;
    if (sibling.form_class != FormClass::reference_unit) return false;
    // Only forward: a damaged one must not make the walk turn in a circle.
    if (sibling.value <= cursor.position() || sibling.value >= unit_.bytes.size()) return false;
    cursor.seek(sibling.value);
    return true;
}

PcAttributes UnitWalker::read_pcs(const Abbrev& abbrev, DieCursor& cursor) const {
    PcAttributes pcs;
    read_attributes(abbrev, cursor, [&](std::uint16_t name, const FormValue& value) {
        if (name == DW_AT_low_pc) pcs.low_pc = value;
        if (name == DW_AT_high_pc) pcs.high_pc = value;
        if (name == DW_AT_ranges) pcs.ranges = value;
    });
    return pcs;
}

// The node that the DIE's children are inside of.
std::uint32_t UnitWalker::add_node(const Abbrev& abbrev, DieCursor& cursor, std::uint32_t die) {
    const PcAttributes pcs = read_pcs(abbrev, cursor);
    if (!cursor.ok()) return no_node;
    const bool is_inlined = abbrev.role == DieRole::inlined;
    // Every subprogram starts anew, also one nested in another. Without addresses it is abstract
    // or a declaration, but what is inside may have code all the same: see the header.
    if (!pcs.any() && (!is_inlined || inside_.node == no_node)) return no_node;
    const auto node = static_cast<std::uint32_t>(result_.nodes_.size());
    result_.nodes_.push_back({die, is_inlined ? inside_.node : no_node});
    if (pcs.any()) add_ranges(pcs, node);
    return node;
}

void UnitWalker::add_ranges(const PcAttributes& pcs, std::uint32_t node) {
    ranges_.clear();
    if (!append_ranges(unit_, pcs, budget_, ranges_)) ++bad_ranges_;
    for (const SvmaRange& range : ranges_) painted_.push_back({range.low, range.high, node});
}

void UnitWalker::paint_nodes() {
    PaintedIntervals intervals = paint(painted_, no_node);
    result_.starts_ = std::move(intervals.starts);
    result_.owners_ = std::move(intervals.owners);
}

UnitInlines UnitInlines::build(const DwarfUnit& unit, DwarfProblems& problems) {
    UnitInlines result;
    const AbbrevTable* table = unit.file->abbrevs(unit);
    if (table == nullptr) {
        ++problems.bad_units;
        return result;
    }
    UnitWalker walker(unit, *table, result);
    if (!walker.walk()) ++problems.cut_walks;
    problems.bad_ranges += walker.bad_ranges();
    walker.paint_nodes();
    return result;
}

std::uint32_t UnitInlines::find(std::uint64_t svma) const {
    const auto after = std::upper_bound(starts_.begin(), starts_.end(), svma);
    if (after == starts_.begin()) return no_node;
    return owners_[static_cast<std::size_t>(after - starts_.begin()) - 1];
}

std::vector<SvmaRange> UnitInlines::covered() const {
    std::vector<SvmaRange> ranges;
    for (std::size_t i = 0; i + 1 < starts_.size(); ++i) {
        if (owners_[i] == no_node) continue;
        const bool extends = !ranges.empty() && ranges.back().high == starts_[i];
        if (!extends) ranges.push_back({starts_[i], 0});
        ranges.back().high = starts_[i + 1];
    }
    return ranges;
}

std::uint32_t UnitInlines::scope_of(std::uint32_t offset) const {
    const auto after = std::lower_bound(
        scopes_.begin(), scopes_.end(), offset,
        [](const ScopeNode& scope, std::uint32_t value) { return scope.begin < value; });
    if (after == scopes_.begin()) return no_node;
    auto scope = static_cast<std::uint32_t>(after - scopes_.begin()) - 1;
    for (int step = 0; scope != no_node && step < max_scope_depth; ++step) {
        if (offset < scopes_[scope].end) return scope;
        scope = scopes_[scope].parent;
    }
    return no_node;
}

}  // namespace fgread
