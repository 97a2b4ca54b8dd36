// RoundSorter: puts records into the order of their times while they are being read.
//
// The recorder empties the kernel's buffers one after the other, so a file is in order only
// within what came from one buffer. After each tour of all buffers it writes a mark
// (FINISHED_ROUND). Whatever was in a buffer during one tour is in the file by the end of the
// next, so at a mark everything up to the latest time seen at the mark *before* is complete:
//
//      file     3 1 2  |  6 4 5  |  9 7 8  |  end         | = FINISHED_ROUND
//      latest        3         6         9
//      may go         -        <=3       <=6   all
//      comes out            1 2 3     4 5 6   7 8 9
//
// Marks may be missing (perf record --threads writes none) or broken: then at most `max_held`
// records wait, and the older half goes. Whatever arrives after a later record went out is late:
// it goes out at once, and is counted. Nothing is ever dropped.
//
// Records of time 0 (perf's start-up state) never wait: they go out in the order they came in.
// Not thread-safe; one object for each recording.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "perfdata/address.h"

namespace fgread {

template <class T>
class RoundSorter {
public:
    // A tour of a busy 128-CPU machine is some 100,000 records; one held is 24 bytes and a T.
    static constexpr std::size_t default_max_held = std::size_t{1} << 20;

    explicit RoundSorter(std::size_t max_held = default_max_held) : max_held_(max_held) {}

    // O(log held).
    void push(EventTime when, T item) {
        if (when.time != 0 && when < last_out_) ++late_;
        latest_ = std::max(latest_, when.time);
        held_.push_back({when, std::move(item)});
        std::push_heap(held_.begin(), held_.end(), later);
        if (held_.size() > max_held_) overdue_ = std::max(overdue_, held_.size() - max_held_ / 2);
    }

    // At FINISHED_ROUND.
    void finish_round() {
        may_go_ = std::max(may_go_, latest_at_mark_);
        latest_at_mark_ = latest_;
    }

    // At the end of the recording: everything may go.
    void finish() { may_go_ = UINT64_MAX; }

    struct Item {
        EventTime when;
        T item;
    };
    // The next one that may go, or nothing if more must be pushed first. O(log held).
    std::optional<Item> pop() {
        if (held_.empty()) return std::nullopt;
        const EventTime first = held_.front().when;
        if (first.time != 0 && first.time > may_go_ && first > last_out_ && overdue_ == 0) {
            return std::nullopt;
        }
        std::pop_heap(held_.begin(), held_.end(), later);
        Item out = std::move(held_.back());
        held_.pop_back();
        if (overdue_ != 0) --overdue_;
        last_out_ = std::max(last_out_, out.when);
        return out;
    }

    [[nodiscard]] std::size_t held() const { return held_.size(); }
    // How many were pushed after a later one had gone out.
    [[nodiscard]] std::uint64_t late() const { return late_; }

private:
    static bool later(const Item& a, const Item& b) { return a.when > b.when; }

    std::vector<Item> held_;  // a heap, the earliest in front
    std::size_t max_held_;
    std::size_t overdue_ = 0;  // how many must go because too many are held
    std::uint64_t latest_ = 0;
    std::uint64_t latest_at_mark_ = 0;
    std::uint64_t may_go_ = 0;  // times up to this
    EventTime last_out_;
    std::uint64_t late_ = 0;
};

}  // namespace fgread
