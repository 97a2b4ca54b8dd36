#include "unwind/fde_index.h"

#include <algorithm>

namespace fgread {

const Cie* CieCache::find(std::uint64_t offset) {
    const auto known = cies_.find(offset);
    if (known != cies_.end()) return known->second ? &*known->second : nullptr;
    if (cies_.size() == max_entries) cies_.clear();
    const auto added = cies_.emplace(offset, read_cie(section_, offset)).first;
    return added->second ? &*added->second : nullptr;
}

std::optional<Fde> read_fde_at(const CfiSection& section, std::uint64_t offset, CieCache& cies) {
    const auto entry = read_entry(section, offset);
    if (!entry || entry->kind != CfiEntry::Kind::fde) return std::nullopt;
    const Cie* cie = cies.find(entry->cie_offset);
    return cie ? read_fde(section, *entry, *cie) : std::nullopt;
}

namespace {

struct IndexEntry {
    std::uint64_t start;
    std::uint64_t end;
    std::uint64_t highest_end;  // of this and all earlier entries
    std::uint64_t offset;
};

class LinearIndex final : public FdeIndex {
public:
    LinearIndex(const CfiSection& section, std::vector<IndexEntry> entries)
        : section_(section), entries_(std::move(entries)) {}

    AddressRange span() const override {
        if (entries_.empty()) return {};
        return {entries_.front().start, entries_.back().highest_end - 1};
    }

    void collect(AddressRange range, CieCache& cies, std::vector<Fde>& fdes) const override {
        fdes.clear();
        auto at = std::upper_bound(
            entries_.begin(), entries_.end(), range.last,
            [](std::uint64_t last, const IndexEntry& entry) { return last < entry.start; });
        while (at != entries_.begin() && fdes.size() < max_collected) {
            --at;
            if (at->highest_end <= range.first) break;
            if (at->end <= range.first) continue;
            if (auto fde = read_fde_at(section_, at->offset, cies)) fdes.push_back(*fde);
        }
        std::reverse(fdes.begin(), fdes.end());
    }

private:
    const CfiSection& section_;
    std::vector<IndexEntry> entries_;
};

bool inner_comes_later(const IndexEntry& a, const IndexEntry& b) {
    if (a.start != b.start) return a.start < b.start;
    if (a.end != b.end) return a.end > b.end;
    return a.offset < b.offset;
}

// Linkers leave the FDEs of dropped functions in .debug_frame, with address 0.
bool is_dropped_function(const CfiSection& section, const Fde& fde) {
    return section.is_debug_frame && fde.start == 0;
}

}  // namespace

std::unique_ptr<FdeIndex> make_linear_index(const CfiSection& section, std::uint64_t& malformed) {
    std::vector<IndexEntry> entries;
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
        entries.push_back({fde->start, fde->end, 0, fde->offset});
    }
    std::sort(entries.begin(), entries.end(), inner_comes_later);
    std::uint64_t highest = 0;
    for (IndexEntry& entry : entries) entry.highest_end = highest = std::max(highest, entry.end);
    return std::make_unique<LinearIndex>(section, std::move(entries));
}

}  // namespace fgread
