// DeferredChains: joins samples with the user part of their chain, which the kernel recorded later.
//
// With `perf record --call-graph fp,defer` (Linux 6.18) a sample's chain ends in a cookie. The rest
// follows in a CALLCHAIN_DEFERRED record of the same thread and cookie, when the thread is about to
// return to user mode; one record completes all samples of one stay in the kernel. By then the
// thread may run on another processor, whose buffer may stand earlier in the file. So each waits
// for the other, and the order in which they come does not matter:
//
//      sample (tid 7, cookie 5)  ─┐                          ┌─> with its user part
//      sample (tid 7, cookie 5)  ─┼─ wait ── chain (7, 5) ───┴─> with its user part
//      sample (tid 8, cookie 6)  ─┴─ wait ── nothing comes ────> without, and counted
//
// What waits is bounded; the oldest sample goes without its user part. perf gives a sample up when
// another cookie of its thread comes, which in the order of a file says nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "collapse/stack_trie.h"
#include "collapse/timeline.h"
#include "perfdata/address.h"
#include "unwind/frame_table.h"

namespace fgread {

// Which chain a sample waits for.
struct ChainKey {
    Tid tid;
    std::uint64_t cookie = 0;
    friend constexpr bool operator==(const ChainKey&, const ChainKey&) = default;
};

// A sample, but for its user part.
struct DeferredSample {
    ChainKey key;
    std::uint32_t group = 0;
    std::uint32_t event = 0;
    std::uint64_t period = 0;
    std::vector<FrameId> kernel;  // outermost first
    std::vector<FrameId> leaf;    // where it was, should it have neither kernel nor user part
    std::uint64_t file_offset = 0;
    std::optional<TimelineSample> timed;  // if wanted; its stack is not known yet
};

struct DeferredChain {
    ChainKey key;
    std::vector<FrameId> user;  // outermost first
};

// Not thread-safe.
class DeferredChains {
public:
    // Far more than are in the kernel at once, or in one round of a busy machine.
    static constexpr std::size_t max_samples = std::size_t{1} << 16;
    static constexpr std::size_t max_chains = std::size_t{1} << 18;

    // Gets each sample once, with its user part; null if there is none to be had any more.
    using Deliver = std::function<void(const DeferredSample&, const std::vector<FrameId>* user)>;
    explicit DeferredChains(Deliver deliver) : deliver_(std::move(deliver)) {}

    void add(DeferredSample sample);
    void add(const DeferredChain& chain);
    // No more will come.
    void finish();

private:
    struct Hash {
        std::size_t operator()(const ChainKey& key) const {
            return (key.cookie ^ static_cast<std::uint32_t>(key.tid.value)) * 0x9e3779b97f4a7c15;
        }
    };
    struct Held {
        DeferredSample sample;
        std::uint64_t next = 0;  // that waits for the same chain; 0: none
    };
    struct Queue {
        std::uint64_t first = 0, last = 0;
    };
    const std::vector<FrameId>& expand(StackId path);
    void drop_oldest_sample();

    Deliver deliver_;
    std::map<std::uint64_t, Held> samples_;              // by order of arrival, from 1
    std::unordered_map<ChainKey, Queue, Hash> waiting_;  // keys of samples_
    std::uint64_t arrivals_ = 0;
    StackTrie paths_;                                     // the distinct user parts
    std::unordered_map<ChainKey, StackId, Hash> chains_;  // leaves of paths_
    std::deque<ChainKey> chain_ages_;                     // oldest first
    std::vector<FrameId> user_;
};

}  // namespace fgread
