#include "symbols/dwarf_index.h"

#include <dwarf.h>

#include "symbols/dwarf_unit_ranges.h"

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
    explicit State(const DwarfInputs& inputs, DwarfSections sections);

    std::optional<DwarfSections> find_split(const DwarfUnit& skeleton) const;
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
    std::optional<UnitRanges> ranges;
};

DwarfIndex::State::State(const DwarfInputs& inputs, DwarfSections sections)
    : open_split(inputs.open_split),
      supplementary(inputs.supplementary == nullptr
                        ? nullptr
                        : std::make_unique<WalkedFile>(read_dwarf_sections(*inputs.supplementary),
                                                       nullptr, WalkedFile::FindSplit{}, tally)),
      file(std::move(sections), supplementary.get(),
           [this](const DwarfUnit& skeleton) { return find_split(skeleton); }, tally),
      names([](const DwarfUnit& unit) -> const UnitInlines& {
          return WalkedFile::walk_any(unit).inlines;
      }) {
    if (inputs.package != nullptr) {
        package.emplace(read_dwarf_sections(*inputs.package, DwarfFlavour::split));
    }
    DwarfProblems problems;
    ranges.emplace(file, problems);
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
    const std::optional<ElfImage> image = open_split(split_file_path(skeleton));
    if (!image) return std::nullopt;
    return read_dwarf_sections(*image, DwarfFlavour::split);
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

std::optional<DwarfIndex> DwarfIndex::open(const DwarfInputs& inputs) {
    DwarfSections sections = read_dwarf_sections(*inputs.debug_file);
    if (sections[DwarfSection::info].empty()) return std::nullopt;
    return DwarfIndex(std::make_unique<State>(inputs, std::move(sections)));
}

void DwarfIndex::chain(Svma pc, bool want_lines, std::vector<InlineFrame>& out) const {
    out.clear();
    const bool found = state_->ranges->visit(pc.value, [&](const DwarfUnit& unit) {
        return state_->chain_in_unit(unit, pc.value, want_lines, out);
    });
    if (found || !want_lines) return;
    // Assembler has lines, but mostly no DIEs of functions.
    state_->ranges->visit(pc.value, [&](const DwarfUnit& unit) {
        InlineFrame frame;
        set_line(state_->file.lines(unit), pc.value, frame);
        if (frame.file.empty()) return false;
        out.push_back(std::move(frame));
        return true;
    });
}

DwarfStats DwarfIndex::stats() const { return state_->tally.snapshot(); }

}  // namespace fgread
