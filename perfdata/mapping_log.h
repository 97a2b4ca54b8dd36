// MappingLog: the mappings of one process incarnation as the list of calls that made them.
//
// Nearly all processes make few mappings, once: then a list is a quarter of the memory that the
// versions of a tree take, and looked through as fast. A forked child shares its parent's list
// until one of its own mappings makes it copy it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "perfdata/address_space.h"

namespace fgread {

class MappingLog {
public:
    struct Change {
        EventTime from;
        std::uint64_t start = 0;
        std::uint64_t end = 0;  // exclusive
        MappingId id;
    };

    // What was made up to `when`, as it holds for a child that is forked then: from the beginning.
    [[nodiscard]] MappingLog forked(EventTime when) const;
    // start < end. Earlier than the last one counts as at its time.
    void add(EventTime when, std::uint64_t start, std::uint64_t end, MappingId id);
    // As AddressSpace::find_span. O(size()).
    [[nodiscard]] AddressSpace::Found find_span(std::uint64_t address, EventTime when) const;

    [[nodiscard]] std::size_t size() const { return count_; }
    // By time. Of what is inherited the times are the parent's.
    [[nodiscard]] std::span<const Change> changes() const;
    [[nodiscard]] EventTime start_of(const Change& change) const {
        return inherited_ ? EventTime{} : change.from;
    }

private:
    void copy_inherited();

    std::shared_ptr<std::vector<Change>> changes_;  // null: none
    std::uint32_t count_ = 0;                       // others of them are the parent's only
    bool inherited_ = false;                        // shared with the parent, who may add to them
};

}  // namespace fgread
