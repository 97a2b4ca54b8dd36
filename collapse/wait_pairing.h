// WaitPairing: finds for each sample of a thread that leaves its processor when it came back.
#pragma once

#include <tsl/robin_map.h>

#include <cstdint>
#include <optional>

#include "collapse/off_cpu.h"
#include "collapse/profile.h"

namespace fgread {

class WaitPairing {
public:
    struct Events {
        std::uint32_t leaving = 0;           // index of the attr
        std::optional<std::uint32_t> clock;  // whose samples stay
        bool timed = false;                  // the periods of `leaving` are times already
    };
    // Both must outlive this. Of `selection` the times count; the rest chose the samples already.
    WaitPairing(const Profile& profile, const Events& events, const SampleFilter& selection);

    // Samples of the clock, and waits: samples whose period is how long they last. Call once.
    [[nodiscard]] Timeline run();
    [[nodiscard]] const OffCpuStats& stats() const { return stats_; }

private:
    enum class Place : std::uint8_t { unseen, on_cpu, off_cpu };
    using Kind = ThreadSwitch::Kind;

    struct Thread {
        Place place = Place::unseen;
        // Of those that are off: since when, and the sample with the stack.
        std::uint64_t since = 0;
        std::optional<std::uint32_t> sample;  // index in the timeline
        std::optional<Kind> left;             // how it left, once a record said so
        bool ended = false;
        bool sampled = false;        // has left with a sample once
        bool away_at_start = false;  // was off when the recording began
        WaitTotal without_stack;     // since its last sample
    };

    void add_sample(std::uint32_t index);
    void add_switch(const ThreadSwitch& change);
    void leave(Thread& thread, const ThreadSwitch& change);
    void come_back(Thread& thread, std::uint64_t time, WaitTotal* ended_by);
    void finish();
    // What of it lies in the times that are selected.
    void keep(TimelineSample sample, WaitTotal* kind, WaitTotal* ended_by);

    const Profile& profile_;
    const Events events_;
    const SampleFilter& selection_;
    tsl::robin_map<std::int32_t, Thread> threads_;
    Timeline timeline_;
    OffCpuStats stats_;
};

}  // namespace fgread
