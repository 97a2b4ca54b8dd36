// What becomes the root frames of every stack (--group-by).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "perfdata/process_table.h"
#include "perfdata/sample.h"

namespace fgread {

enum class GroupBy : std::uint8_t {
    comm,    // "name", blanks as '_'
    pid,     // "name-PID"
    tid,     // "name-PID/TID"
    cpu,     // "cpu3"
    cgroup,  // its path, or "cgroup-ID" if the recording has no name for it
    event,   // the event's name
};

// One root frame for each, the first one outermost.
using Grouping = std::vector<GroupBy>;

// "comm", "cgroup,pid"; nothing if a word is unknown or there twice.
std::optional<Grouping> parse_grouping(std::string_view text);
[[nodiscard]] bool has(const Grouping& grouping, GroupBy what);

inline constexpr std::uint32_t no_cpu = 0xffffffff;

// What a root stands for; fields the grouping does not look at keep their default.
struct Group {
    CommId comm;
    Pid pid;
    Tid tid;
    std::uint32_t cpu = no_cpu;
    std::uint32_t event = 0;  // index of the attr
    std::uint64_t cgroup = 0;
    friend constexpr auto operator<=>(const Group&, const Group&) = default;
};

// The text of the root frames.
std::vector<std::string> group_label(const Group& group, const Grouping& by,
                                     const ProcessTable& processes,
                                     const std::vector<EventAttr>& attrs);

}  // namespace fgread
