#include "tools/selection_arguments.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "tools/command_line.h"

namespace fgread::tools {

void define_selection(CommandLine& app, SelectionArguments& arguments) {
    app.add_option("--group-by", arguments.group_by,
                   "Root frames, in this order: comm, pid, tid, cpu, cgroup, event [comm; of\n"
                   "pprof comm,pid,tid]")
        ->option_text("LIST");
    app.add_option("--call-graph", arguments.call_graph,
                   "Which user stack, if samples have several: auto, dwarf, lbr, fp\n"
                   "or none [auto]")
        ->one_of({"auto", "dwarf", "lbr", "fp", "none"})
        ->option_text("KIND");
    app.add_option("--pid", arguments.pids, "Only samples of these processes: 7,12-15")
        ->option_text("LIST");
    app.add_option("--tid", arguments.tids, "Only samples of these threads")->option_text("LIST");
    app.add_option("--comm", arguments.comms,
                   "Only samples of threads of this name or glob; may be given again")
        ->allow_extra_args(false)
        ->option_text("NAME");
    app.add_option("--cpu", arguments.cpus, "Only samples of these CPUs")->option_text("LIST");
    app.add_option("--time", arguments.time,
                   "Only samples of this time: A,B in seconds, 10%-20%, or 10%/2 for the\n"
                   "second tenth, as in perf script")
        ->option_text("TIME");
}

std::optional<std::string> finish_selection(const SelectionArguments& arguments,
                                            AggregateOptions& options) {
    if (!arguments.group_by.empty()) {
        const auto grouping = parse_grouping(arguments.group_by);
        if (!grouping) {
            return fmt::format(
                "--group-by: '{}' is not a list of comm, pid, tid, cpu, cgroup and event, each "
                "once",
                arguments.group_by);
        }
        options.group_by = *grouping;
    }
    constexpr std::pair<std::string_view, CallGraph> kinds[] = {
        {"auto", CallGraph::automatic},    {"dwarf", CallGraph::dwarf}, {"lbr", CallGraph::lbr},
        {"fp", CallGraph::frame_pointers}, {"none", CallGraph::none},
    };
    for (const auto& [word, kind] : kinds) {
        if (word == arguments.call_graph) options.call_graph = kind;
    }
    SampleFilter& filter = options.filter;
    const auto list = [](const char* option, const std::string& text,
                         std::vector<NumberRange>& out) -> std::optional<std::string> {
        if (text.empty()) return std::nullopt;
        auto ranges = parse_number_list(text);
        if (!ranges) return fmt::format("{}: {}", option, ranges.error().message);
        out = std::move(*ranges);
        return std::nullopt;
    };
    if (auto wrong = list("--pid", arguments.pids, filter.pids)) return wrong;
    if (auto wrong = list("--tid", arguments.tids, filter.tids)) return wrong;
    if (auto wrong = list("--cpu", arguments.cpus, filter.cpus)) return wrong;
    filter.comms = arguments.comms;
    if (arguments.time.empty()) return std::nullopt;
    auto spans = parse_time_spans(arguments.time);
    if (!spans) return fmt::format("--time: {}", spans.error().message);
    filter.times = std::move(*spans);
    return std::nullopt;
}

}  // namespace fgread::tools
