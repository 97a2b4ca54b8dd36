#include "collapse/wait_pairing.h"

#include <algorithm>
#include <vector>

namespace fgread {

namespace {

// Between the sample of a leaving thread and its end on the processor an NMI may take one more of
// it: copying 2 KB of stack takes 30 us. What comes later is of a thread that has come back.
constexpr std::uint64_t leaving_ns = 200'000;

void add(WaitTotal& to, const WaitTotal& more) {
    to.waits += more.waits;
    to.ns += more.ns;
}

constexpr Tid idle{0};  // the idle task of each processor: that it does not run is no wait

void count(WaitTotal* total, std::uint64_t ns) {
    if (total == nullptr) return;
    ++total->waits;
    total->ns += ns;
}

}  // namespace

WaitPairing::WaitPairing(const Profile& profile, const Events& events,
                         const SampleFilter& selection)
    : profile_(profile), events_(events), selection_(selection) {
    stats_.wanted = true;
}

Timeline WaitPairing::run() {
    const Timeline& samples = profile_.timeline;
    const std::vector<ThreadSwitch>& switches = profile_.switches;
    std::size_t next_switch = 0;
    for (std::uint32_t i = 0; i < samples.size(); ++i) {
        // A sample of sched:sched_switch stands before what its payload says.
        for (; next_switch < switches.size() && switches[next_switch].when < samples[i].when;
             ++next_switch) {
            add_switch(switches[next_switch]);
        }
        add_sample(i);
    }
    for (; next_switch < switches.size(); ++next_switch) add_switch(switches[next_switch]);
    finish();
    sort_by_time(timeline_);
    return std::move(timeline_);
}

void WaitPairing::add_sample(std::uint32_t index) {
    const TimelineSample& sample = profile_.timeline[index];
    const bool leaves = sample.event == events_.leaving;
    if (sample.event == events_.clock) keep(sample, nullptr, nullptr);
    if (leaves && events_.timed) return keep(sample, &stats_.unknown, nullptr);
    if (events_.timed || sample.tid <= idle) return;
    Thread& thread = threads_[sample.tid.value];
    const std::uint64_t time = sample.when.time;
    const bool is_leaving = thread.sample && !leaves && time - thread.since < leaving_ns;
    if (is_leaving) return;
    come_back(thread, time, &stats_.until_sample);
    if (!leaves) return;
    thread.place = Place::off_cpu;
    thread.since = time;
    thread.sample = index;
    thread.left.reset();
    // Records of switches begin some 100 ms before samples do, and end after them. What is between
    // two samples is a matter of the period.
    if (thread.sampled) add(stats_.without_stack, thread.without_stack);
    thread.without_stack = {};
    thread.sampled = true;
}

void WaitPairing::add_switch(const ThreadSwitch& change) {
    if (events_.timed || change.tid <= idle) return;
    Thread& thread = threads_[change.tid.value];
    switch (change.kind) {
        case Kind::in:
            thread.away_at_start |= !thread.sampled && thread.place != Place::on_cpu;
            come_back(thread, change.when.time, nullptr);
            break;
        case Kind::ended:
            come_back(thread, change.when.time, &stats_.until_sample);
            thread.ended = true;
            break;
        case Kind::started:
        case Kind::gone:
            thread = Thread{};
            thread.place = Place::on_cpu;
            break;
        case Kind::blocked:
        case Kind::preempted:
            leave(thread, change);
            break;
    }
}

void WaitPairing::leave(Thread& thread, const ThreadSwitch& change) {
    // sched:sched_switch and SWITCH may both tell of it.
    if (thread.place == Place::off_cpu && thread.left) return;
    thread.place = Place::off_cpu;
    thread.since = change.when.time;
    thread.left = change.kind;
}

// `ended_by`: null if the recording says that it came back just now.
void WaitPairing::come_back(Thread& thread, std::uint64_t time, WaitTotal* ended_by) {
    if (thread.place == Place::off_cpu) {
        const std::uint64_t ns = time - thread.since;
        if (thread.sample) {
            TimelineSample wait = profile_.timeline[*thread.sample];
            wait.when.time = thread.since;
            wait.period = ns;
            WaitTotal* kind = !thread.left                      ? &stats_.unknown
                              : *thread.left == Kind::preempted ? &stats_.preempted
                                                                : &stats_.blocked;
            keep(wait, kind, ended_by);
        } else {
            count(&thread.without_stack, ns);
        }
    }
    thread.place = Place::on_cpu;
    thread.sample.reset();
    thread.left.reset();
}

void WaitPairing::finish() {
    // In the order of their numbers, so that what ends at one time always is in one order.
    std::vector<std::int32_t> tids;
    for (const auto& [tid, thread] : threads_) tids.push_back(tid);
    std::sort(tids.begin(), tids.end());
    for (const std::int32_t tid : tids) {
        Thread& thread = threads_[tid];
        if (!thread.ended) come_back(thread, profile_.end.value, &stats_.until_end);
        stats_.away_at_start += thread.sampled && thread.away_at_start ? 1 : 0;
    }
}

void WaitPairing::keep(TimelineSample sample, WaitTotal* kind, WaitTotal* ended_by) {
    const bool lasts = kind != nullptr && !events_.timed;
    const std::uint64_t begin = sample.when.time;
    const std::uint64_t end = begin + (lasts ? sample.period : 0);
    const auto keep_part = [&](std::uint64_t from, std::uint64_t to) {
        if (lasts) {
            sample.when.time = from;
            sample.period = to - from;
        }
        timeline_.push_back(sample);
        count(kind, sample.period);
        count(ended_by, sample.period);
    };
    if (selection_.times.empty()) return keep_part(begin, end);
    for (const TimeSpan& span : selection_.times) {
        const std::uint64_t from = std::max(begin, span.ns.first);
        const std::uint64_t to = std::min(end, span.ns.last);
        if (from > to || (from == to && begin != end)) continue;
        keep_part(from, to);
        if (!lasts) return;
    }
}

}  // namespace fgread
