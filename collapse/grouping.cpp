#include "collapse/grouping.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <utility>

namespace fgread {
namespace {

constexpr std::pair<std::string_view, GroupBy> words[] = {
    {"comm", GroupBy::comm}, {"pid", GroupBy::pid},       {"tid", GroupBy::tid},
    {"cpu", GroupBy::cpu},   {"cgroup", GroupBy::cgroup}, {"event", GroupBy::event},
};

std::string without_blanks(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (std::isspace(static_cast<unsigned char>(c)) != 0) c = '_';
    }
    return out;
}

std::string cgroup_label(std::uint64_t id, const ProcessTable& processes) {
    const std::string_view path = processes.cgroup_path(id);
    return path.empty() ? fmt::format("cgroup-{}", id) : without_blanks(path);
}

}  // namespace

std::optional<Grouping> parse_grouping(std::string_view text) {
    Grouping grouping;
    while (true) {
        const std::size_t end = text.find(',');
        const std::string_view word = text.substr(0, end);
        const auto found = std::find_if(std::begin(words), std::end(words),
                                        [word](const auto& known) { return known.first == word; });
        if (found == std::end(words) || has(grouping, found->second)) return std::nullopt;
        grouping.push_back(found->second);
        if (end == std::string_view::npos) return grouping;
        text.remove_prefix(end + 1);
    }
}

bool has(const Grouping& grouping, GroupBy what) {
    return std::find(grouping.begin(), grouping.end(), what) != grouping.end();
}

std::vector<std::string> group_label(const Group& group, const Grouping& by,
                                     const ProcessTable& processes,
                                     const std::vector<EventAttr>& attrs) {
    const std::string comm = without_blanks(processes.comm(group.comm));
    std::vector<std::string> label;
    for (const GroupBy what : by) {
        switch (what) {
            case GroupBy::comm:
                label.push_back(comm);
                break;
            case GroupBy::pid:
                label.push_back(fmt::format("{}-{}", comm, group.pid.value));
                break;
            case GroupBy::tid:
                label.push_back(fmt::format("{}-{}/{}", comm, group.pid.value, group.tid.value));
                break;
            case GroupBy::cpu:
                label.push_back(fmt::format("cpu{}", group.cpu));
                break;
            case GroupBy::cgroup:
                label.push_back(cgroup_label(group.cgroup, processes));
                break;
            case GroupBy::event:
                label.push_back(without_blanks(attrs[group.event].name));
                break;
        }
    }
    return label;
}

}  // namespace fgread
