#include "collapse/folded_profile.h"

#include <utility>

#include "collapse/flamegraph_names.h"
#include "collapse/off_cpu.h"

namespace fgread {

NameTree name_tree(const FoldedProfile& folded) {
    NameTree tree =
        build_name_tree(folded.profile, folded.names, folded.group_labels, folded.weights);
    if (folded.flamegraph_names) tree = flamegraph_tree(tree, folded.names);
    return folded.shape.empty() ? std::move(tree) : shaped(tree, folded.names, folded.shape);
}

std::string_view period_unit(const EventAttr& attr) {
    // linux/perf_event.h: PERF_TYPE_SOFTWARE with PERF_COUNT_SW_CPU_CLOCK or _TASK_CLOCK.
    constexpr std::uint32_t software = 1;
    constexpr std::uint64_t task_clock = 1;
    const bool is_clock = attr.type == software && attr.config <= task_clock;
    return is_clock || attr.name == off_cpu_event ? "nanoseconds" : "count";
}

WeightUnit weight_unit(const FoldedProfile& folded) {
    if (folded.weights.by_samples) return {"samples", "count"};
    for (std::size_t i = 0; i < folded.attrs.size(); ++i) {
        if (folded.weights.events[i]) return {folded.attrs[i].name, period_unit(folded.attrs[i])};
    }
    return {"samples", "count"};
}

}  // namespace fgread
