#include "perfdata/address_space.h"

#include <algorithm>
#include <limits>

#include "perfdata/persistent_ranges.h"

namespace fgread {
namespace {

constexpr EventTime beginning{};
constexpr EventTime forever{std::numeric_limits<std::uint64_t>::max(),
                            std::numeric_limits<std::uint64_t>::max()};

// What was mapped from `from` until the next version.
struct Version {
    EventTime from;
    PersistentRanges::Root root = nullptr;
};

}  // namespace

//  versions   0 (start, or as inherited)   1            2       ...  last
//  time    ---|---------------------------|------------|------------|------->
//                                         map()        map()
struct AddressSpace::State {
    std::shared_ptr<PersistentRanges> ranges;  // shared by all relatives
    std::vector<Version> versions;             // rising, never empty

    std::size_t version_at(EventTime when) const {
        if (when >= versions.back().from) return versions.size() - 1;
        const auto after =
            std::upper_bound(versions.begin(), versions.end(), when,
                             [](EventTime t, const Version& v) { return t < v.from; });
        return after == versions.begin() ? 0
                                         : static_cast<std::size_t>(after - versions.begin()) - 1;
    }

    // The first version in (low, high] for which `gone` holds, given that it does for all later
    // ones; high + 1 if none.
    template <class Gone>
    std::size_t first_where(std::size_t low, std::size_t high, const Gone& gone) const {
        if (!gone(high)) return high + 1;  // the usual case: nothing was mapped over it later
        while (low + 1 < high) {
            const std::size_t middle = low + (high - low) / 2;
            (gone(middle) ? high : low) = middle;
        }
        return high;
    }

    EventTime start_of(std::size_t version) const {
        if (version == 0) return beginning;
        return version < versions.size() ? versions[version].from : forever;
    }
};

AddressSpace::AddressSpace() : state_(std::make_unique<State>()) {
    state_->ranges = std::make_shared<PersistentRanges>();
    state_->versions.push_back({});
}

AddressSpace::AddressSpace(const AddressSpace& parent, EventTime when)
    : state_(std::make_unique<State>()) {
    state_->ranges = parent.state_->ranges;
    const Version& version = parent.state_->versions[parent.state_->version_at(when)];
    state_->versions.push_back({when, version.root});
}

bool AddressSpace::map(EventTime when, Avma start, Avma end, MappingId id) {
    if (start >= end) return true;
    auto& versions = state_->versions;
    if (versions.size() > max_changes) return false;
    const Version& last = versions.back();
    versions.push_back(
        {std::max(when, last.from), state_->ranges->assign(last.root, start.value, end.value, id)});
    return true;
}

MappingId AddressSpace::find(Avma addr, EventTime when) const {
    const Version& version = state_->versions[state_->version_at(when)];
    const PersistentRanges::Node* node = PersistentRanges::find(version.root, addr.value);
    return node ? node->id : MappingId{};
}

AddressSpace::Found AddressSpace::find_span(Avma addr, EventTime when) const {
    const State& state = *state_;
    const std::size_t last = state.versions.size() - 1;
    const std::size_t version = state.version_at(when);
    const auto node_in = [&](std::size_t v) {
        return PersistentRanges::find(state.versions[v].root, addr.value);
    };

    const PersistentRanges::Node* node = node_in(version);
    Found found;
    if (node == nullptr) {
        // Nothing is ever unmapped, so a gap only shrinks: it ends when the address is mapped
        // first, and its range just before that holds from the beginning.
        const std::size_t mapped =
            state.first_where(version, last, [&](std::size_t v) { return node_in(v) != nullptr; });
        const auto gap = PersistentRanges::gap_at(state.versions[mapped - 1].root, addr.value);
        found.start.value = gap.start;
        found.end.value = gap.end;
        found.from = beginning;
        found.until = state.start_of(mapped);
        return found;
    }

    // A piece keeps its bounds while it lives, and once cut or covered it never comes back.
    const auto is_same = [&](std::size_t v) {
        const PersistentRanges::Node* other = node_in(v);
        return other != nullptr && other->piece == node->piece && other->start == node->start;
    };
    const std::size_t gone =
        state.first_where(version, last, [&](std::size_t v) { return !is_same(v); });
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
    found.from = state.start_of(born);
    found.until = state.start_of(gone);
    return found;
}

AddressSpace::~AddressSpace() = default;
AddressSpace::AddressSpace(AddressSpace&&) noexcept = default;
AddressSpace& AddressSpace::operator=(AddressSpace&&) noexcept = default;

}  // namespace fgread
