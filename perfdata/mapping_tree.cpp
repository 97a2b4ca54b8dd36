#include "perfdata/mapping_tree.h"

#include <algorithm>

namespace fgread {
namespace {

using Found = AddressSpace::Found;

// The first version in (low, high] for which `gone` holds, given that it does for all later ones;
// high + 1 if none.
template <class Gone>
std::size_t first_where(std::size_t low, std::size_t high, const Gone& gone) {
    if (!gone(high)) return high + 1;  // the usual case: nothing was mapped over it later
    while (low + 1 < high) {
        const std::size_t middle = low + (high - low) / 2;
        (gone(middle) ? high : low) = middle;
    }
    return high;
}

}  // namespace

MappingTree::MappingTree() : ranges_(std::make_shared<PersistentRanges>()), versions_(1) {}

MappingTree MappingTree::forked(EventTime when) const {
    MappingTree child;
    child.ranges_ = ranges_;
    child.versions_.front() = {when, versions_[version_at(when)].root};
    return child;
}

void MappingTree::add(EventTime when, std::uint64_t start, std::uint64_t end, MappingId id) {
    const Version& last = versions_.back();
    versions_.push_back({std::max(when, last.from), ranges_->assign(last.root, start, end, id)});
}

std::size_t MappingTree::version_at(EventTime when) const {
    if (when >= versions_.back().from) return versions_.size() - 1;
    const auto after = std::upper_bound(versions_.begin(), versions_.end(), when,
                                        [](EventTime t, const Version& v) { return t < v.from; });
    return after == versions_.begin() ? 0 : static_cast<std::size_t>(after - versions_.begin()) - 1;
}

EventTime MappingTree::start_of(std::size_t version) const {
    if (version == 0) return beginning_of_time;
    return version < versions_.size() ? versions_[version].from : end_of_time;
}

Found MappingTree::find_span(std::uint64_t address, EventTime when) const {
    const std::size_t last = versions_.size() - 1;
    const std::size_t version = version_at(when);
    const auto node_in = [&](std::size_t v) {
        return PersistentRanges::find(versions_[v].root, address);
    };

    const PersistentRanges::Node* node = node_in(version);
    Found found;
    if (node == nullptr) {
        // It holds from the beginning, as it is just before the address is mapped first: gaps only
        // shrink.
        const std::size_t mapped =
            first_where(version, last, [&](std::size_t v) { return node_in(v) != nullptr; });
        const auto gap = PersistentRanges::gap_at(versions_[mapped - 1].root, address);
        found.start.value = gap.start;
        found.end.value = gap.end;
        found.from = beginning_of_time;
        found.until = start_of(mapped);
        return found;
    }

    // A piece keeps its bounds while it lives, and once cut or covered it never comes back.
    const auto is_same = [&](std::size_t v) {
        const PersistentRanges::Node* other = node_in(v);
        return other != nullptr && other->piece == node->piece && other->start == node->start;
    };
    const std::size_t gone = first_where(version, last, [&](std::size_t v) { return !is_same(v); });
    std::size_t born = version;  // the first version that has it
    if (version != 0) {
        std::size_t low = 0;
        if (is_same(0)) {
            born = 0;
        } else {
            while (low + 1 < born) {
                const std::size_t middle = low + (born - low) / 2;
                (is_same(middle) ? born : low) = middle;
            }
        }
    }
    found.id = node->id;
    found.start.value = node->start;
    found.end.value = node->end;
    found.from = start_of(born);
    found.until = start_of(gone);
    return found;
}

}  // namespace fgread
