// LostEvents: how much was not recorded, by event.
//
// Three records tell, and two of them tell the same:
//   LOST          the ring buffer was full; written when there is room again, with the id of
//   whatever
//                 event came next. Counts records of all kinds.
//   LOST_SAMPLES  without a time: perf record's own, at its end, from PERF_FORMAT_LOST (Linux 6.0):
//   how
//                 many of the LOST ones were samples of this event. Where there are any, LOST is
//                 not counted as well.
//   LOST_SAMPLES  with a time: the kernel's, for samples that the processor could not deliver
//   (PEBS).
// Those that a BPF filter did not want (misc bit 15) are no loss.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "perfdata/record.h"

namespace fgread {

class EventTable;

// Not thread-safe.
class LostEvents {
public:
    [[nodiscard]] static bool counts(std::uint32_t type);
    // A record that counts(); one that is too small counts nothing.
    void add(const RecordView& record, const EventTable& events);
    void merge(const LostEvents& other);

    [[nodiscard]] std::uint64_t total() const;
    [[nodiscard]] std::uint64_t of_event(std::size_t attr) const;

private:
    struct Counts {
        std::uint64_t records = 0;    // LOST
        std::uint64_t summed_up = 0;  // LOST_SAMPLES of perf
        std::uint64_t by_hardware = 0;
    };
    Counts& at(std::size_t attr);

    std::vector<Counts> events_;  // by attr
    Counts all_;
};

}  // namespace fgread
