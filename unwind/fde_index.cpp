#include "unwind/fde_index.h"

#include <algorithm>

namespace fgread {

// Neighbours mostly share their CIE.
const Cie* CieCache::find(std::uint64_t offset) {
    if (last_ != nullptr && last_offset_ == offset) return last_;
    auto known = cies_.find(offset);
    if (known == cies_.end()) {
        if (cies_.size() == max_entries) cies_.clear();
        known = cies_.emplace(offset, read_cie(section_, offset)).first;
    }
    last_offset_ = offset;
    last_ = known->second ? &*known->second : nullptr;
    return last_;
}

std::optional<Fde> read_fde_at(const CfiSection& section, std::uint64_t offset, CieCache& cies) {
    const auto entry = read_entry(section, offset);
    if (!entry || entry->kind != CfiEntry::Kind::fde) return std::nullopt;
    const Cie* cie = cies.find(entry->cie_offset);
    return cie ? read_fde(section, *entry, *cie) : std::nullopt;
}

namespace {

struct IndexEntry {
    FdePlace fde;
    std::uint64_t highest_end;  // of this and all earlier entries
};

class LinearIndex final : public FdeIndex {
public:
    LinearIndex(const CfiSection& section, const std::vector<FdePlace>& all) : section_(section) {
        entries_.reserve(all.size());
        std::uint64_t highest = 0;
        for (const FdePlace& fde : all) {
            highest = std::max(highest, fde.end);
            entries_.push_back({fde, highest});
        }
    }

    AddressRange span() const override {
        if (entries_.empty()) return {};
        return {entries_.front().fde.start, entries_.back().highest_end - 1};
    }

    void collect(AddressRange range, CieCache& cies, std::vector<Fde>& fdes) const override {
        fdes.clear();
        auto at = first_after(range.last);
        while (at != entries_.begin() && fdes.size() < max_collected) {
            --at;
            if (at->highest_end <= range.first) break;
            if (at->fde.end <= range.first) continue;
            if (auto fde = read_fde_at(section_, at->fde.offset, cies)) fdes.push_back(*fde);
        }
        std::reverse(fdes.begin(), fdes.end());
    }

    std::optional<Fde> find_alone(std::uint64_t pc, CieCache& cies) const override {
        const auto next = first_after(pc);
        if (next == entries_.begin()) return std::nullopt;
        const auto at = next - 1;
        if (pc >= at->fde.end || (next != entries_.end() && next->fde.start < at->fde.end) ||
            (at != entries_.begin() && (at - 1)->fde.start == at->fde.start)) {
            return std::nullopt;
        }
        return read_fde_at(section_, at->fde.offset, cies);
    }

    void mark_found(const std::vector<FdePlace>&, std::vector<bool>& found) const override {
        found.assign(found.size(), true);
    }

private:
    [[nodiscard]] std::vector<IndexEntry>::const_iterator first_after(std::uint64_t pc) const {
        return std::upper_bound(
            entries_.begin(), entries_.end(), pc,
            [](std::uint64_t value, const IndexEntry& entry) { return value < entry.fde.start; });
    }

    const CfiSection& section_;
    std::vector<IndexEntry> entries_;
};

}  // namespace

bool inner_comes_later(const FdePlace& a, const FdePlace& b) {
    if (a.start != b.start) return a.start < b.start;
    if (a.end != b.end) return a.end > b.end;
    return a.offset < b.offset;
}

bool is_dropped_function(const CfiSection& section, const Fde& fde) {
    return section.is_debug_frame && fde.start == 0;
}

std::vector<FdePlace> scan_fdes(const CfiSection& section, std::uint64_t& malformed) {
    std::vector<FdePlace> fdes;
    CieCache cies(section);
    std::uint64_t offset = 0;
    while (offset < section.bytes.size()) {
        const auto entry = read_entry(section, offset);
        if (!entry) {
            ++malformed;
            break;
        }
        offset = entry->end;
        if (entry->kind == CfiEntry::Kind::terminator && !section.is_debug_frame) break;
        if (entry->kind != CfiEntry::Kind::fde) continue;
        const Cie* cie = cies.find(entry->cie_offset);
        const auto fde = cie ? read_fde(section, *entry, *cie) : std::nullopt;
        if (!fde) {
            ++malformed;
            continue;
        }
        if (is_dropped_function(section, *fde)) continue;
        fdes.push_back(place_of(*fde));
    }
    return fdes;
}

std::unique_ptr<FdeIndex> make_linear_index(const CfiSection& section, std::vector<FdePlace> all) {
    std::sort(all.begin(), all.end(), inner_comes_later);
    return std::make_unique<LinearIndex>(section, all);
}

}  // namespace fgread
