#include "unwind/unwind_table.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <mutex>

#include "unwind/arm_exidx.h"
#include "unwind/fde_search.h"
#include "unwind/rule_blocks.h"
#include "unwind/sframe.h"

namespace fgread {
namespace {

// Addresses that one table looks up by a pass over .eh_frame, before it reads all FDEs. Few are
// asked for: a handful of stubs, and what linkers leave out of the header.
constexpr std::size_t max_searches = 16;
// And those that it learns from counted FDEs to be in none. A hostile header lists 8,000 entries in
// a KiB of text, which takes a millisecond each time.
constexpr std::size_t max_checks = 1024;

CfiSection make_section(const UnwindSections& sections, bool is_debug_frame) {
    CfiSection section;
    section.is_debug_frame = is_debug_frame;
    section.bytes = is_debug_frame ? sections.debug_frame : sections.eh_frame;
    section.endian = sections.endian;
    section.bases.section = is_debug_frame ? 0 : sections.eh_frame_address.value;
    section.bases.text = sections.text_address.value;
    section.bases.data = sections.data_address.value;
    section.bases.address_size = sections.address_size;
    section.numbers = sections.numbers;
    return section;
}

}  // namespace

// The ways to a rule, in the order they are tried. Each is opened when the one before had no
// answer: most modules never need more than the first.
struct UnwindTable::State {
    enum Way : std::size_t { header, eh_frame, debug_frame, way_count };

    explicit State(const UnwindSections& given)
        : sections(given),
          eh_section(make_section(given, false)),
          debug_section(make_section(given, true)),
          exidx({given.arm_exidx, given.arm_exidx_address},
                {given.arm_extab, given.arm_extab_address}, given.endian) {}

    ~State() {
        for (auto& way : ways) delete way.load();
    }

    // Null if the module has no such section, or all it holds is found an earlier way.
    RuleBlocks* open(Way way) {
        RuleBlocks* known = ways[way].load(std::memory_order_acquire);
        if (known || !available(way)) return known;
        const std::lock_guard lock(mutex);
        known = ways[way].load(std::memory_order_relaxed);
        if (known || unusable[way]) return known;
        auto index = make_index(way);
        if (!index) {
            unusable[way].store(true, std::memory_order_relaxed);
            return nullptr;
        }
        known = new RuleBlocks(section_of(way), std::move(index), rules, mutex);
        ways[way].store(known, std::memory_order_release);
        return known;
    }

    std::unique_ptr<FdeIndex> make_index(Way way) {
        const CfiSection& section = section_of(way);
        if (way == header) {
            return make_header_index(section, sections.eh_frame_hdr,
                                     sections.eh_frame_hdr_address.value);
        }
        std::vector<FdePlace> fdes = scan_fdes(section, skipped_entries);
        const RuleBlocks* by_header = ways[header].load(std::memory_order_relaxed);
        if (way == eh_frame && by_header) {
            fdes = not_in_header(by_header->index(), std::move(fdes));
            if (fdes.empty()) return nullptr;
        }
        return make_linear_index(section, std::move(fdes));
    }

    // What .eh_frame says of an address that its header does not know; nothing once there were too
    // many of them.
    std::optional<const UnwindRule*> search(Svma pc) {
        const RuleBlocks* by_header = ways[header].load(std::memory_order_acquire);
        if (by_header == nullptr) return std::nullopt;
        const std::lock_guard lock(searches_mutex);
        const auto known = searches.find(pc.value);
        if (known != searches.end()) return known->second;
        const auto covers = [pc](const AddressRange& gap) {
            return gap.first <= pc.value && pc.value <= gap.last;
        };
        if (std::any_of(gaps.begin(), gaps.end(), covers)) return nullptr;
        if (counts && checks < max_checks) {
            ++checks;
            if (is_in_none(by_header->index(), pc)) {
                return searches.emplace(pc.value, nullptr).first->second;
            }
        }
        if (passes == max_searches) return std::nullopt;
        ++passes;
        const bool is_first = !counts;
        if (is_first) counts.emplace(by_header->index().span());
        const FdesAt found = find_fdes_at(eh_section, pc.value, is_first ? &*counts : nullptr);
        if (is_first) counts->all_added();
        if (found.fdes.empty()) {
            gaps.push_back(found.gap);
            return nullptr;
        }
        return searches.emplace(pc.value, rule_beside_header(pc, found.fdes)).first->second;
    }

    // Whether the index knows all FDEs of the text around the address, and none covers it.
    [[nodiscard]] bool is_in_none(const FdeIndex& index, Svma pc) const {
        const auto count = counts->at(pc.value);
        if (!count) return false;
        CieCache cies(eh_section);
        std::vector<Fde> fdes;
        index.collect(count->piece, cies, fdes);
        const auto same = [](const Fde& a, const Fde& b) { return a.offset == b.offset; };
        const bool are_all = fdes.size() == count->fdes &&
                             std::adjacent_find(fdes.begin(), fdes.end(), same) == fdes.end();
        const auto covers = [pc](const Fde& fde) {
            return pc.value - fde.start < fde.end - fde.start;
        };
        return are_all && std::none_of(fdes.begin(), fdes.end(), covers);
    }

    const UnwindRule* rule_beside_header(Svma pc, const std::vector<FdePlace>& fdes) {
        RuleBlocks blocks(eh_section, make_linear_index(eh_section, fdes), rules, mutex);
        const std::uint16_t rule = blocks.find(pc.value);
        return rule != 0 ? rules[rule] : nullptr;
    }

    // A pc between two functions, or the one FDE that BOLT leaves out of its table, is no reason to
    // sort and compile everything a second time; FDEs that overlap are.
    std::vector<FdePlace> not_in_header(const FdeIndex& index, std::vector<FdePlace> all) {
        std::vector<bool> found(all.size());
        index.mark_found(all, found);
        CieCache cies(eh_section);
        std::vector<Fde> overlapping;
        std::vector<FdePlace> others;
        for (std::size_t i = 0; i < all.size(); ++i) {
            if (found[i]) continue;
            index.collect({all[i].start, all[i].end - 1}, cies, overlapping);
            if (!overlapping.empty()) return all;
            others.push_back(all[i]);
        }
        return others;
    }

    [[nodiscard]] const CfiSection& section_of(Way way) const {
        return way == debug_frame ? debug_section : eh_section;
    }

    [[nodiscard]] bool available(Way way) const {
        if (unusable[way].load(std::memory_order_relaxed)) return false;
        if (way == debug_frame) return !sections.debug_frame.empty();
        return !sections.eh_frame.empty() && (way != header || !sections.eh_frame_hdr.empty());
    }

    // Rows are found and interned when asked for: modules whose only rules these are are few.
    const UnwindRule* find_sframe(Svma pc) {
        if (sections.sframe.empty()) return nullptr;
        const std::lock_guard lock(mutex);
        if (!open_sframe()) return nullptr;
        const auto row = sframe->row_at(pc);
        if (!row) return nullptr;
        Cie cie;
        cie.return_address = sframe->return_address();
        return rules[rules.intern(*row, cie)];
    }

    const UnwindRule* find_exidx(Svma pc) {
        if (sections.arm_exidx.empty()) return nullptr;
        const auto row = exidx.row_at(pc);
        if (!row) return nullptr;
        Cie cie;
        cie.return_address = ArmExidx::return_address;
        cie.at_calls_only = true;
        const std::lock_guard lock(mutex);
        return rules[rules.intern(*row, cie)];
    }

    bool open_sframe() {
        if (!sframe_opened) {
            sframe = SFrame::read(sections.sframe, sections.sframe_address, sections.endian);
        }
        sframe_opened = true;
        return sframe.has_value();
    }

    UnwindSections sections;
    std::optional<SFrame> sframe;
    bool sframe_opened = false;
    CfiSection eh_section, debug_section;
    ArmExidx exidx;
    std::mutex mutex;
    RuleStore rules;
    std::array<std::atomic<RuleBlocks*>, way_count> ways{};
    std::array<std::atomic<bool>, way_count> unusable{};
    std::mutex searches_mutex;
    std::map<std::uint64_t, const UnwindRule*> searches;  // what was found; null: nothing
    std::vector<AddressRange> gaps;                       // where nothing is
    std::optional<FdeCounts> counts;                      // of .eh_frame, once a pass was made
    std::size_t passes = 0, checks = 0;
    std::uint64_t skipped_entries = 0;
};

UnwindTable::UnwindTable(const UnwindSections& sections)
    : state_(std::make_unique<State>(sections)) {}
UnwindTable::~UnwindTable() = default;
UnwindTable::UnwindTable(UnwindTable&&) noexcept = default;
UnwindTable& UnwindTable::operator=(UnwindTable&&) noexcept = default;

const UnwindRule* UnwindTable::find(Svma pc) const {
    for (std::size_t way = 0; way < State::way_count; ++way) {
        if (way == State::eh_frame) {
            const auto searched = state_->search(pc);
            if (searched && *searched) return *searched;
            if (searched) continue;
        }
        RuleBlocks* blocks = state_->open(static_cast<State::Way>(way));
        if (!blocks) continue;
        if (const std::uint16_t rule = blocks->find(pc.value)) return state_->rules[rule];
    }
    if (const UnwindRule* rule = state_->find_exidx(pc)) return rule;
    return state_->find_sframe(pc);
}

RuleSource UnwindTable::source_of(Svma pc) const {
    for (std::size_t way = 0; way < State::way_count; ++way) {
        RuleBlocks* blocks = state_->open(static_cast<State::Way>(way));
        if (!blocks || blocks->find(pc.value) == 0) continue;
        return way == State::debug_frame ? RuleSource::debug_frame : RuleSource::eh_frame;
    }
    if (state_->find_exidx(pc)) return RuleSource::arm_exidx;
    return state_->find_sframe(pc) ? RuleSource::sframe : RuleSource::none;
}

std::optional<UnwindTable::FdeRange> UnwindTable::fde_range(Svma pc) const {
    for (std::size_t way = 0; way < State::way_count; ++way) {
        RuleBlocks* blocks = state_->open(static_cast<State::Way>(way));
        if (!blocks) continue;
        if (const auto fde = blocks->find_fde(pc.value)) return FdeRange{{fde->start}, {fde->end}};
    }
    if (!state_->sections.arm_exidx.empty()) {
        const auto function = state_->exidx.function_at(pc);
        return function ? std::optional(FdeRange{function->start, function->end}) : std::nullopt;
    }
    if (state_->sections.sframe.empty()) return std::nullopt;
    const std::lock_guard lock(state_->mutex);
    const auto function = state_->open_sframe() ? state_->sframe->function_at(pc) : std::nullopt;
    return function ? std::optional(FdeRange{function->start, function->end}) : std::nullopt;
}

UnwindTable::Stats UnwindTable::stats() const {
    const std::lock_guard lock(state_->mutex);
    Stats stats{0, 0, state_->rules.size(), state_->skipped_entries};
    if (state_->sframe) stats.malformed += state_->sframe->malformed();
    for (const auto& way : state_->ways) {
        const RuleBlocks* blocks = way.load();
        if (!blocks) continue;
        stats.fdes_compiled += blocks->counts().fdes;
        stats.rows += blocks->counts().rows;
        stats.malformed += blocks->counts().malformed;
    }
    return stats;
}

}  // namespace fgread
