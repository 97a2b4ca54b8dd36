// Names of events (file_header.h). perf's own words, so that --event takes what users know:
// enum perf_hw_id, perf_sw_ids and perf_hw_cache_* of include/uapi/linux/perf_event.h.
#include <fmt/format.h>
#include <tsl/robin_map.h>

#include <iterator>
#include <string_view>

#include "perfdata/file_header.h"
#include "perfdata/format.h"

namespace fgread {
namespace {

using namespace format;

constexpr std::string_view hardware_names[] = {
    "cycles",
    "instructions",
    "cache-references",
    "cache-misses",
    "branches",
    "branch-misses",
    "bus-cycles",
    "stalled-cycles-frontend",
    "stalled-cycles-backend",
    "ref-cycles",
};

constexpr std::string_view software_names[] = {
    "cpu-clock",        "task-clock",   "page-faults",  "context-switches",
    "cpu-migrations",   "minor-faults", "major-faults", "alignment-faults",
    "emulation-faults", "dummy",        "bpf-output",   "cgroup-switches",
};

constexpr std::string_view cache_names[] = {"L1-dcache", "L1-icache", "LLC", "dTLB",
                                            "iTLB",      "branch",    "node"};
constexpr std::string_view cache_operations[] = {"load", "store", "prefetch"};

template <std::size_t n>
std::string pick(const std::string_view (&names)[n], std::uint64_t index, std::string_view kind) {
    if (index < n) return std::string(names[index]);
    return fmt::format("{} 0x{:x}", kind, index);
}

// config = cache | operation << 8 | result << 16; result 0 is all accesses, 1 the misses.
std::string cache_event_name(std::uint64_t config) {
    const std::uint64_t cache = config & 0xff;
    const std::uint64_t operation = (config >> 8) & 0xff;
    const std::uint64_t result = (config >> 16) & 0xff;
    if (cache >= std::size(cache_names) || operation >= std::size(cache_operations) || result > 1) {
        return fmt::format("cache 0x{:x}", config);
    }
    const std::string_view form = result == 0 ? "{}-{}s" : "{}-{}-misses";
    return fmt::format(fmt::runtime(form), cache_names[cache], cache_operations[operation]);
}

std::string base_name(const EventAttr& attr) {
    // On hybrid CPUs the upper half of config is the PMU the event belongs to.
    const std::uint64_t config = attr.config & 0xffffffff;
    switch (attr.type) {
        case type_hardware:
            return pick(hardware_names, config, "hardware");
        case type_software:
            return pick(software_names, attr.config, "software");
        case type_tracepoint:
            return fmt::format("tracepoint {}", attr.config);
        case type_hw_cache:
            return cache_event_name(config);
        case type_raw:
            return fmt::format("raw 0x{:x}", attr.config);
        case type_breakpoint:
            return "breakpoint";
        default:
            return fmt::format("pmu-{}/config=0x{:x}/", attr.type, attr.config);
    }
}

// ":u" and its like: the modes that are counted, told only if some are not.
std::string modifiers(const EventAttr& attr) {
    const bool user = !attr.has_flag(attr_exclude_user);
    const bool kernel = !attr.has_flag(attr_exclude_kernel);
    const bool hypervisor = !attr.has_flag(attr_exclude_hv);
    if (user && kernel && hypervisor) return {};
    std::string text;
    if (kernel) text += 'k';
    if (user) text += 'u';
    if (hypervisor) text += 'h';
    return text.empty() ? text : ":" + text;
}

}  // namespace

std::string made_up_event_name(const EventAttr& attr) { return base_name(attr) + modifiers(attr); }

void name_events(const std::vector<EventDescription>& descriptions, std::vector<EventAttr>& attrs) {
    tsl::robin_map<std::uint64_t, std::string_view> names;
    for (const EventDescription& event : descriptions) {
        for (const std::uint64_t id : event.ids) names.insert({id, event.name});
    }
    for (std::size_t i = 0; i < attrs.size(); ++i) {
        EventAttr& attr = attrs[i];
        for (const std::uint64_t id : attr.ids) {
            const auto found = names.find(id);
            if (found == names.end()) continue;
            attr.name = found->second;
            break;
        }
        // A recording of one event may have no ids at all; then order is all there is.
        const bool by_order = attr.name.empty() && attr.ids.empty() &&
                              descriptions.size() == attrs.size() && descriptions[i].ids.empty();
        if (by_order) attr.name = descriptions[i].name;
        if (attr.name.empty()) attr.name = made_up_event_name(attr);
    }
}

}  // namespace fgread
