#include "collapse/off_cpu.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>

#include "collapse/folded_profile.h"
#include "collapse/wait_pairing.h"
#include "perfdata/format.h"

namespace fgread {

namespace {

bool is_context_switches(const EventAttr& attr) {
    constexpr std::uint64_t context_switches = 3;  // PERF_COUNT_SW_CONTEXT_SWITCHES
    return attr.type == format::type_software && attr.config == context_switches;
}

template <class Test>
std::optional<std::uint32_t> find_event(const std::vector<EventAttr>& attrs, Test is) {
    const auto found = std::find_if(attrs.begin(), attrs.end(), is);
    if (found == attrs.end()) return std::nullopt;
    return static_cast<std::uint32_t>(found - attrs.begin());
}

// The event whose samples are those of threads that leave the CPU.
std::optional<std::uint32_t> leaving_event(const std::vector<EventAttr>& attrs) {
    const auto tracepoint = find_event(attrs, is_sched_switch);
    return tracepoint ? tracepoint : find_event(attrs, is_context_switches);
}

// The first clock that has samples, else the first: a program that only sleeps has none.
std::optional<std::uint32_t> clock_event(const std::vector<EventAttr>& attrs,
                                         const Profile& profile) {
    const auto is_clock = [](const EventAttr& attr) {
        return attr.name != off_cpu_event && period_unit(attr) == "nanoseconds";
    };
    const auto sampled = find_event(attrs, [&](const EventAttr& attr) {
        const auto index = static_cast<std::size_t>(&attr - attrs.data());
        return is_clock(attr) && profile.events[index].samples != 0;
    });
    return sampled ? sampled : find_event(attrs, is_clock);
}

std::string seconds(std::uint64_t ns) {
    return fmt::format("{:.3f} s", static_cast<double>(ns) / 1e9);
}

Error lacks(const char* what) { return Error{ErrorKind::unsupported, what}; }

}  // namespace

std::string off_cpu_text(const OffCpuStats& stats) {
    const WaitTotal* kinds[] = {&stats.blocked, &stats.preempted, &stats.unknown};
    constexpr std::string_view names[] = {"blocked", "preempted", "of unknown kind"};
    WaitTotal all;
    std::string parts;
    for (std::size_t i = 0; i < std::size(kinds); ++i) {
        if (kinds[i]->waits == 0) continue;
        all.waits += kinds[i]->waits;
        all.ns += kinds[i]->ns;
        parts += fmt::format("{}{} in {} {}", parts.empty() ? ": " : ", ", seconds(kinds[i]->ns),
                             kinds[i]->waits, names[i]);
    }
    return fmt::format("{} off CPU in {} {}{}", seconds(all.ns), all.waits,
                       all.waits == 1 ? "wait" : "waits", parts);
}

Result<OffCpuResult> weigh_off_cpu(Profile& profile, std::vector<EventAttr>& attrs, TimeKind kind,
                                   const SampleFilter& selection) {
    const auto no_times = [](const EventAttr& attr) {
        return (attr.sample_type & format::sample_time) == 0;
    };
    if (std::any_of(attrs.begin(), attrs.end(), no_times)) {
        return lacks(
            "the samples have no times, so how long threads waited is not known; perf record -T "
            "records them");
    }
    const auto perfs_own = find_event(
        attrs, [](const EventAttr& attr) { return attr.name.starts_with(off_cpu_event); });
    const auto leaving = perfs_own ? perfs_own : leaving_event(attrs);
    if (!leaving) {
        return lacks(
            "the recording does not say when threads leave the CPU; fgrecord --off-cpu records "
            "that, and so does: perf record -e context-switches -c 1 --switch-events --call-graph "
            "dwarf");
    }
    std::optional<std::uint32_t> clock;
    if (kind == TimeKind::wall) {
        clock = clock_event(attrs, profile);
        if (!clock) {
            return lacks(
                "the recording has no samples of a clock for the time on CPU; fgrecord --wall "
                "records them, and so does: perf record -e cpu-clock -F 997 -e "
                "context-switches/period=1/ --switch-events --call-graph dwarf");
        }
    }
    OffCpuResult result;
    result.events.resize(attrs.size(), false);
    result.events[*leaving] = true;
    if (clock) result.events[*clock] = true;
    WaitPairing pairing(profile, {*leaving, clock, perfs_own.has_value()}, selection);
    profile.timeline = pairing.run();
    weigh(profile, profile.timeline);
    result.stats = pairing.stats();
    result.stats.unread_switches = profile.unread_switches;
    if (!perfs_own) profile.lasting_event = leaving;
    attrs[*leaving].name = off_cpu_event;
    return result;
}

}  // namespace fgread
