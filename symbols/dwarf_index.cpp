#include "symbols/dwarf_index.h"

#include <dwarf.h>

#include "symbols/dwarf_split.h"
#include "symbols/dwarf_unit_ranges.h"
#include "symbols/dwarf_walks.h"

namespace fgread {

namespace {

// Where an inlined function was called.
struct CallSite {
    std::uint64_t file = 0;
    std::uint32_t line = 0;
    std::uint32_t column = 0;
};

CallSite read_call_site(DieRef inlined) {
    CallSite site;
    visit_attributes(inlined, [&](std::uint16_t name, const FormValue& value) {
        if (name == DW_AT_call_file) site.file = value.value;
        if (name == DW_AT_call_line) site.line = static_cast<std::uint32_t>(value.value);
        if (name == DW_AT_call_column) site.column = static_cast<std::uint32_t>(value.value);
    });
    return site;
}

void set_line(const LineTable& table, std::uint64_t pc, InlineFrame& frame) {
    const LineRow* row = table.find(pc);
    if (row == nullptr) return;
    frame.file = table.file_name(row->file);
    frame.line = row->line;
    frame.column = row->column;
}

}  // namespace

struct DwarfIndex::State {
    explicit State(DwarfInputs inputs);

    std::optional<DwarfSections> find_split(const DwarfUnit& skeleton) const;
    template <class Visit>
    bool visit_units(std::uint64_t pc, Visit&& visit);
    const FunctionName& name_of(const WalkedUnit& walked, std::uint32_t node);
    bool chain_in_unit(const DwarfUnit& unit, std::uint64_t pc, bool want_lines,
                       std::vector<InlineFrame>& out);
    void add_lines(const DwarfUnit& unit, const WalkedUnit& walked, std::uint32_t innermost,
                   std::uint64_t pc, std::vector<InlineFrame>& out) const;

    DwarfTally tally;
    OpenSplitFile open_split;
    std::optional<DwarfPackage> package;
    std::unique_ptr<WalkedFile> supplementary;
    WalkedFile file;
    DwarfNames names;
    CodeUnits units;
    std::once_flag late_once;
    UnitRanges late;  // of units.unplaced, known once they have been walked
};

DwarfIndex::State::State(DwarfInputs inputs)
    : open_split(std::move(inputs.open_split)),
      supplementary(inputs.supplementary
                        ? std::make_unique<WalkedFile>(std::move(*inputs.supplementary), nullptr,
                                                       WalkedFile::FindSplit{}, tally)
                        : nullptr),
      file(
          std::move(inputs.debug_file), supplementary.get(),
          [this](const DwarfUnit& skeleton) { return find_split(skeleton); }, tally),
      names([](const DwarfUnit& unit) -> const UnitInlines& {
          return WalkedFile::walk_any(unit).inlines;
      }) {
    if (inputs.package) package.emplace(std::move(*inputs.package));
    DwarfProblems problems;
    units = find_code_units(file, problems);
    problems.bad_sections = file.sections().skipped;
    problems.bad_units += file.bad_units() + (supplementary ? supplementary->bad_units() : 0);
    tally.update([&](DwarfStats& stats) {
        stats.units = file.units().size();
        stats.problems = problems;
    });
}

std::optional<DwarfSections> DwarfIndex::State::find_split(const DwarfUnit& skeleton) const {
    if (package) {
        if (auto part = package->find(skeleton.id)) return part;
    }
    if (!open_split) return std::nullopt;
    return open_split(split_file_path(skeleton));
}

// Units that may have code at `pc`, until `visit` returns true.
template <class Visit>
bool DwarfIndex::State::visit_units(std::uint64_t pc, Visit&& visit) {
    if (units.placed.visit(pc, visit)) return true;
    std::call_once(late_once, [this] {
        for (const DwarfUnit* unit : units.unplaced) {
            for (const SvmaRange& range : file.walked(*unit).inlines.covered()) {
                late.add(*unit, range);
            }
        }
        late.sort();
    });
    return late.visit(pc, visit);
}

const FunctionName& DwarfIndex::State::name_of(const WalkedUnit& walked, std::uint32_t node) {
    std::atomic<const FunctionName*>& slot = walked.names[node];
    const FunctionName* name = slot.load(std::memory_order_acquire);
    if (name == nullptr) {
        name = names.name_of({walked.body, walked.inlines.nodes()[node].die});
        slot.store(name, std::memory_order_release);
    }
    return *name;
}

// The innermost frame has the line of the address, each other one the line where it calls the one
// before.
void DwarfIndex::State::add_lines(const DwarfUnit& unit, const WalkedUnit& walked,
                                  std::uint32_t innermost, std::uint64_t pc,
                                  std::vector<InlineFrame>& out) const {
    const LineTable& table = file.lines(unit);
    set_line(table, pc, out.front());
    std::uint32_t node = innermost;
    for (std::size_t i = 1; i < out.size(); ++i) {
        const InlineNode& inlined = walked.inlines.nodes()[node];
        const CallSite site = read_call_site({walked.body, inlined.die});
        out[i].file = table.file_name(site.file);
        out[i].line = site.line;
        out[i].column = site.column;
        node = inlined.parent;
    }
}

bool DwarfIndex::State::chain_in_unit(const DwarfUnit& unit, std::uint64_t pc, bool want_lines,
                                      std::vector<InlineFrame>& out) {
    const WalkedUnit& walked = file.walked(unit);
    const std::uint32_t innermost = walked.inlines.find(pc);
    if (innermost == no_node) return false;
    std::uint32_t node = innermost;
    while (node != no_node && out.size() < max_inline_chain) {
        const FunctionName& name = name_of(walked, node);
        node = walked.inlines.nodes()[node].parent;
        out.push_back({name.text, name.is_linkage, node != no_node, {}, 0, 0});
    }
    if (want_lines) add_lines(unit, walked, innermost, pc, out);
    return true;
}

DwarfIndex::DwarfIndex(std::unique_ptr<State> state) : state_(std::move(state)) {}
DwarfIndex::DwarfIndex(DwarfIndex&&) noexcept = default;
DwarfIndex& DwarfIndex::operator=(DwarfIndex&&) noexcept = default;
DwarfIndex::~DwarfIndex() = default;

std::optional<DwarfIndex> DwarfIndex::open(DwarfInputs inputs) {
    if (inputs.debug_file[DwarfSection::info].empty()) return std::nullopt;
    return DwarfIndex(std::make_unique<State>(std::move(inputs)));
}

void DwarfIndex::chain(Svma pc, bool want_lines, std::vector<InlineFrame>& out) const {
    out.clear();
    const bool found = state_->visit_units(pc.value, [&](const DwarfUnit& unit) {
        return state_->chain_in_unit(unit, pc.value, want_lines, out);
    });
    if (found || !want_lines) return;
    // Assembler has lines, but mostly no DIEs of functions.
    state_->visit_units(pc.value, [&](const DwarfUnit& unit) {
        InlineFrame frame;
        set_line(state_->file.lines(unit), pc.value, frame);
        if (frame.file.empty()) return false;
        out.push_back(std::move(frame));
        return true;
    });
}

DwarfStats DwarfIndex::stats() const { return state_->tally.snapshot(); }

}  // namespace fgread
