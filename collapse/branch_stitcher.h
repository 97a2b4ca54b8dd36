// BranchStitcher: the outermost calls of a stack that is deeper than the processor's branch stack.
//
// A processor keeps the calls that have not returned in a ring of 8 to 32 registers (perf record
// --call-graph lbr). A deeper stack overwrites its outermost calls, which an earlier sample of the
// thread may have. The recording says in which register the newest call stands (hw_idx): if the
// outermost call of this sample stood in the same register at the sample before, with the same
// addresses, then what lay outside of it there does so here. perf report --stitch-lbr does the
// same.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "perfdata/sample.h"

namespace fgread {

class BranchStitcher {
public:
    // Forgets all threads. `registers`: how many there are (Features::branch_registers); 0, not
    // known: nothing is found.
    void begin(std::uint64_t registers);

    // Where the innermost call led to, and where each was made, innermost first; what is not the
    // sample's own comes last. Takes the samples of each thread one after the other. Valid until
    // the next call.
    const std::vector<std::uint64_t>& addresses(const SampleView& sample, Endian endian);
    // How many of them are not the sample's own.
    [[nodiscard]] std::size_t stitched() const { return stitched_; }

private:
    struct Call {
        std::uint64_t from = 0, to = 0, flags = 0;
        bool operator==(const Call&) const = default;
    };
    struct LastSample {
        TimestampNs time;
        std::uint64_t newest_register = 0;
        std::vector<Call> calls;           // innermost first
        std::vector<std::uint64_t> outer;  // where those outside of `calls` were made
    };

    // Which of the earlier sample's calls stood where the outermost of `calls` does; calls.size()
    // of it or more: none.
    [[nodiscard]] std::uint64_t place_of_outermost(const LastSample& now,
                                                   const LastSample& before) const;
    void find_outer(const LastSample& before, LastSample& now) const;

    std::uint64_t registers_ = 0;
    std::map<Tid, LastSample> threads_;
    std::vector<std::uint64_t> addresses_;
    std::size_t stitched_ = 0;
};

}  // namespace fgread
