// MappingTree: the mappings of one process incarnation, which are many, in a tree that keeps all
// its versions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "perfdata/address_space.h"
#include "perfdata/persistent_ranges.h"

namespace fgread {

class MappingTree {
public:
    MappingTree();
    // What was mapped up to `when`, as it holds for a child that is forked then: from the
    // beginning. Shares memory with the parent.
    [[nodiscard]] MappingTree forked(EventTime when) const;
    // start < end. Earlier than the last one counts as at its time.
    void add(EventTime when, std::uint64_t start, std::uint64_t end, MappingId id);
    // As AddressSpace::find_span.
    [[nodiscard]] AddressSpace::Found find_span(std::uint64_t address, EventTime when) const;

    // Calls of add(), inherited ones not counted.
    [[nodiscard]] std::size_t size() const { return versions_.size() - 1; }

private:
    // What was mapped from `from` until the next version.
    struct Version {
        EventTime from;
        PersistentRanges::Root root = nullptr;
    };

    [[nodiscard]] std::size_t version_at(EventTime when) const;
    [[nodiscard]] EventTime start_of(std::size_t version) const;

    //  versions   0 (start, or as inherited)   1            2       ...  last
    //  time    ---|---------------------------|------------|------------|------->
    //                                         add()        add()
    std::shared_ptr<PersistentRanges> ranges_;  // shared by all relatives
    std::vector<Version> versions_;             // rising, never empty
};

}  // namespace fgread
