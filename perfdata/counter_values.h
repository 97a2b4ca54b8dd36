// CounterValues: what a sample says its event's counters had reached (PERF_SAMPLE_READ).
//
// With `-e '{a,b}:S'` only `a` samples, and each of its samples carries the values of all members
// of the group; the differences between one and the next are what the members counted.
#pragma once

#include <cstddef>
#include <cstdint>

#include "perfdata/byte_reader.h"
#include "perfdata/sample.h"

namespace fgread {

// A view of SampleView::read; lives as long as its record.
class CounterValues {
public:
    // Both of the same sample, decoded with the layout of this attr.
    CounterValues(const EventAttr& attr, const SampleView& sample);

    [[nodiscard]] std::size_t size() const { return count_; }
    struct Value {
        std::uint64_t id = 0;  // of the event
        std::uint64_t value = 0;
    };
    // `index` < size().
    [[nodiscard]] Value operator[](std::size_t index) const;

private:
    U64View words_;  // of struct read_format (include/uapi/linux/perf_event.h)
    std::size_t count_ = 0;
    std::size_t first_ = 0;   // word of the first value
    std::size_t stride_ = 0;  // words for each
    std::size_t id_at_ = 0;   // word of the id, counted from the value; 0: there is none
    std::uint64_t own_id_;
};

}  // namespace fgread
