// How much stack the samples of a recording needed: which dump size would have been enough.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "perfdata/process_table.h"

namespace fgread {

// What one walk says of its thread's stack. Addresses and distances are bytes.
struct StackDepth {
    Pid pid;
    Tid tid;
    std::uint64_t sp = 0;   // where the dump begins
    std::uint64_t end = 0;  // complete: the stack pointer of the outermost frame; cut: where the
                            // dump ends
    bool cut = false;
};

struct DepthStats {
    // [n]: stacks that needed at most n KiB, and more than n - 1. The last: all that need more.
    static constexpr std::size_t buckets = 65;
    using Histogram = std::array<std::uint64_t, buckets>;

    Histogram complete{};
    Histogram cut{};  // of cut stacks whose threads have a complete one, which ends where they do
    std::uint64_t cut_unknown = 0;  // of cut stacks nothing else says how deep they are

    // Stacks, complete and cut ones, that are known to fit a dump of this size (bytes).
    [[nodiscard]] std::uint64_t fitting(std::uint64_t dump_bytes) const;
    // A size (bytes) that holds this share (0 to 1) of the complete stacks; 0 if there are none.
    [[nodiscard]] std::uint64_t complete_needed(double share) const;
    [[nodiscard]] std::uint64_t complete_count() const;
};

// The largest dump that fits a record, whose size has 16 bits; perf takes multiples of 8.
inline constexpr std::uint32_t max_dump_bytes = 65528;

// Not thread-safe. A thread's stacks all end in the same place, so that one complete stack tells
// the depth of those that were cut; a program that switches stacks has several such places. Call
// add() in file order: what is kept is bounded, the first come is kept.
class StackDepths {
public:
    // O(log n) of threads and of distinct KiB that stack pointers lay in.
    void add(const StackDepth& depth);
    [[nodiscard]] DepthStats stats() const;

private:
    using Thread = std::pair<std::int32_t, std::int32_t>;  // pid, tid
    struct Cut {
        std::uint64_t samples = 0;
        std::uint64_t end = 0;
    };

    DepthStats stats_;
    std::map<Thread, std::vector<std::uint64_t>> ends_;    // of complete stacks, sorted
    std::map<std::pair<Thread, std::uint64_t>, Cut> cut_;  // by thread and KiB of the sp
};

}  // namespace fgread
