// The options of fgread that say which samples are folded, and under which root frames.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "collapse/aggregate.h"

namespace fgread::tools {

class CommandLine;

struct SelectionArguments {
    std::string group_by;  // empty: leave AggregateOptions::group_by as it is
    std::string call_graph = "auto";
    std::string pids, tids, cpus, time;
    std::vector<std::string> comms;
};

void define_selection(CommandLine& app, SelectionArguments& arguments);
// After parsing: fills the options, or says in a sentence what is wrong with an argument.
std::optional<std::string> finish_selection(const SelectionArguments& arguments,
                                            AggregateOptions& options);

}  // namespace fgread::tools
