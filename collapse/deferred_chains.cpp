#include "collapse/deferred_chains.h"

#include <algorithm>

namespace fgread {

void DeferredChains::add(DeferredSample sample) {
    if (const auto chain = chains_.find(sample.key); chain != chains_.end()) {
        deliver_(sample, &expand(chain->second));
        return;
    }
    if (samples_.size() == max_samples) drop_oldest_sample();
    const std::uint64_t number = ++arrivals_;
    const auto [queue, first] = waiting_.try_emplace(sample.key, Queue{number, number});
    if (!first) {
        samples_.at(queue->second.last).next = number;
        queue->second.last = number;
    }
    samples_.emplace(number, Held{std::move(sample)});
}

void DeferredChains::add(const DeferredChain& chain) {
    StackId path = no_stack;
    for (const FrameId frame : chain.user) path = paths_.child(path, frame);
    const bool added = chains_.insert_or_assign(chain.key, path).second;
    if (added) chain_ages_.push_back(chain.key);
    if (chains_.size() > max_chains) {
        chains_.erase(chain_ages_.front());
        chain_ages_.pop_front();
    }
    const auto waiting = waiting_.find(chain.key);
    if (waiting == waiting_.end()) return;
    for (std::uint64_t number = waiting->second.first; number != 0;) {
        const auto held = samples_.find(number);
        deliver_(held->second.sample, &expand(path));
        number = held->second.next;
        samples_.erase(held);
    }
    waiting_.erase(waiting);
}

void DeferredChains::finish() {
    while (!samples_.empty()) drop_oldest_sample();
}

const std::vector<FrameId>& DeferredChains::expand(StackId path) {
    user_.clear();
    for (; path != no_stack; path = paths_[path].parent) user_.push_back(paths_[path].label);
    std::reverse(user_.begin(), user_.end());
    return user_;
}

// It is the first of those that wait for its chain.
void DeferredChains::drop_oldest_sample() {
    const auto oldest = samples_.begin();
    const auto queue = waiting_.find(oldest->second.sample.key);
    queue->second.first = oldest->second.next;
    if (queue->second.first == 0) waiting_.erase(queue);
    deliver_(oldest->second.sample, nullptr);
    samples_.erase(oldest);
}

}  // namespace fgread
