#include "perfdata/mapping_log.h"

#include <algorithm>
#include <limits>

namespace fgread {
namespace {

using Change = MappingLog::Change;
using Found = AddressSpace::Found;

bool covers(const Change& change, std::uint64_t address) {
    return change.start <= address && address < change.end;
}

bool overlaps(const Change& change, const Found& piece) {
    return change.start < piece.end.value && piece.start.value < change.end;
}

// What remains of the piece around `address`, which the change does not cover.
void cut(Found& piece, const Change& change, std::uint64_t address) {
    if (change.end <= address) {
        piece.start.value = std::max(piece.start.value, change.end);
    } else {
        piece.end.value = std::min(piece.end.value, change.start);
    }
}

}  // namespace

std::span<const Change> MappingLog::changes() const {
    if (!changes_) return {};
    return std::span(*changes_).first(count_);
}

MappingLog MappingLog::forked(EventTime when) const {
    MappingLog child = *this;
    child.inherited_ = true;
    if (inherited_) return child;
    const auto all = changes();
    const auto later = std::upper_bound(all.begin(), all.end(), when,
                                        [](EventTime t, const Change& c) { return t < c.from; });
    child.count_ = static_cast<std::uint32_t>(later - all.begin());
    return child;
}

void MappingLog::add(EventTime when, std::uint64_t start, std::uint64_t end, MappingId id) {
    if (inherited_) copy_inherited();
    if (!changes_) changes_ = std::make_shared<std::vector<Change>>();
    if (count_ != 0) when = std::max(when, changes_->back().from);
    changes_->push_back({when, start, end, id});
    ++count_;
}

void MappingLog::copy_inherited() {
    const auto all = changes();
    auto own = std::make_shared<std::vector<Change>>(all.begin(), all.end());
    for (Change& change : *own) change.from = beginning_of_time;
    changes_ = std::move(own);
    inherited_ = false;
}

Found MappingLog::find_span(std::uint64_t address, EventTime when) const {
    const auto all = changes();
    std::size_t made = all.size();  // of them, how many were made by then
    while (made != 0 && start_of(all[made - 1]) > when) --made;
    std::size_t next = made;
    while (next != 0 && !covers(all[next - 1], address)) --next;

    Found found;
    found.end.value = std::numeric_limits<std::uint64_t>::max();
    found.from = beginning_of_time;
    found.until = end_of_time;
    if (next == 0) {
        // Nothing is ever unmapped, so a gap only shrinks: it ends when the address is mapped
        // first, and its range just before that holds from the beginning.
        for (const Change& change : all) {
            if (covers(change, address)) {
                found.until = start_of(change);
                return found;
            }
            cut(found, change, address);
        }
        return found;
    }
    const Change& last = all[next - 1];
    found.id = last.id;
    found.start.value = last.start;
    found.end.value = last.end;
    found.from = start_of(last);
    for (; next < all.size(); ++next) {
        if (!overlaps(all[next], found)) continue;
        if (next >= made) {
            found.until = start_of(all[next]);
            return found;
        }
        cut(found, all[next], address);
        found.from = start_of(all[next]);
    }
    return found;
}

}  // namespace fgread
