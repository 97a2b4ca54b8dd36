#include "collapse/lost_stacks.h"

#include "perfdata/format.h"

namespace fgread {
namespace {

double mean_period(const EventAttr& attr, const EventTotal& recorded) {
    if (recorded.samples != 0) {
        return static_cast<double>(recorded.period) / static_cast<double>(recorded.samples);
    }
    const bool fixed = !attr.has_flag(format::attr_freq) && attr.sample_period_or_freq != 0;
    return fixed ? static_cast<double>(attr.sample_period_or_freq) : 1;
}

// A damaged file may claim anything; the sum of all weights must still be a number.
std::uint64_t bounded(double weight) {
    constexpr double most = 1e18;
    return static_cast<std::uint64_t>(weight < most ? weight + 0.5 : most);
}

}  // namespace

void add_lost_stacks(const LostEvents& lost, const std::vector<EventAttr>& attrs,
                     const Grouping& group_by, Profile& profile,
                     std::vector<std::vector<std::string>>& labels) {
    for (std::size_t i = 0; i < attrs.size(); ++i) {
        const std::uint64_t count = lost.of_event(i);
        if (count == 0) continue;
        Group group;
        group.event = static_cast<std::uint32_t>(i);
        std::vector<std::string> label;
        if (has(group_by, GroupBy::event)) label = group_label(group, {GroupBy::event}, {}, attrs);
        label.emplace_back("[lost]");
        const StackId stack =
            profile.stacks.root(static_cast<std::uint32_t>(profile.groups.size()));
        profile.groups.push_back(group);
        labels.push_back(std::move(label));
        const double period = static_cast<double>(count) * mean_period(attrs[i], profile.events[i]);
        profile.weights.push_back(
            {stack, group.event, bounded(static_cast<double>(count)), bounded(period)});
    }
}

}  // namespace fgread
