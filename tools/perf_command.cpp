#include "tools/perf_command.h"

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <utility>

#include "tools/perf_event_choice.h"

namespace fgread::tools {

namespace {

constexpr std::size_t max_gist_lines = 3;

// By ID and ID_LIKE of os-release(5); the first that fits.
constexpr std::array installers = {
    std::pair{"ubuntu", "sudo apt install linux-tools-common linux-tools-generic"},
    std::pair{"debian", "sudo apt install linux-perf"},
    std::pair{"fedora", "sudo dnf install perf"},
    std::pair{"rhel", "sudo dnf install perf"},
    std::pair{"suse", "sudo zypper install perf"},
    std::pair{"arch", "sudo pacman -S perf"},
    std::pair{"alpine", "sudo apk add perf"},
};

// The value of KEY=value or KEY="value" in os-release.
std::string_view value_of(std::string_view os_release, std::string_view key) {
    while (!os_release.empty()) {
        const std::size_t end = os_release.find('\n');
        std::string_view line = os_release.substr(0, end);
        if (line.starts_with(key)) {
            line.remove_prefix(key.size());
            if (line.starts_with('"')) line.remove_prefix(1);
            if (line.ends_with('"')) line.remove_suffix(1);
            return line;
        }
        if (end == std::string_view::npos) break;
        os_release.remove_prefix(end + 1);
    }
    return {};
}

std::vector<std::string> common_arguments(const RecordPlan& plan, const std::string& data_file) {
    // -N: not even a copy of each binary in ~/.debug. -k mono: the clock of jitdumps.
    std::vector<std::string> out = {
        plan.perf, "record", "--call-graph", fmt::format("dwarf,{}", plan.stack_size), "-k", "mono",
        "-N",      "-o",     data_file};
    if (plan.time != TimeKind::off_cpu) {
        for (const std::string& word :
             {std::string("-e"), plan.event, std::string("-F"), std::to_string(plan.frequency)}) {
            out.push_back(word);
        }
    }
    // Not sched:sched_switch, which says no more than the two together and needs root and tracefs.
    if (plan.time != TimeKind::recorded) {
        out.insert(out.end(), {"-e", "context-switches/period=1/", "--switch-events"});
    }
    const auto add = [&](const char* option, const std::string& value) {
        if (value.empty()) return;
        out.emplace_back(option);
        out.push_back(value);
    };
    add("-m", plan.mmap_pages);
    add("-p", plan.pids);
    if (plan.all_cpus) out.emplace_back("-a");
    return out;
}

}  // namespace

std::vector<std::string> perf_arguments(const RecordPlan& plan, const std::string& data_file) {
    std::vector<std::string> out = common_arguments(plan, data_file);
    if (plan.command.empty()) return out;
    // Its stderr is that of the command, too: perf must not talk there.
    out.emplace_back("-q");
    out.emplace_back("--");
    out.insert(out.end(), plan.command.begin(), plan.command.end());
    return out;
}

std::vector<std::string> diagnosing_arguments(const RecordPlan& plan,
                                              const std::string& data_file) {
    std::vector<std::string> out = common_arguments(plan, data_file);
    out.emplace_back("--");
    out.emplace_back("true");
    return out;
}

std::string perf_package_remedy(std::string_view os_release) {
    for (const std::string_view key : {"ID=", "ID_LIKE="}) {
        const std::string_view value = value_of(os_release, key);
        for (const auto& [system, command] : installers) {
            if (value.find(system) != std::string_view::npos) return command;
        }
    }
    return "install your system's package of perf (linux-perf, linux-tools or perf)";
}

std::vector<std::string> gist_of(std::string_view messages) {
    std::vector<std::string> out;
    while (!messages.empty() && out.size() < max_gist_lines) {
        const std::size_t end = messages.find('\n');
        const std::string_view line = messages.substr(0, end);
        const bool says_something = line.find_first_not_of(" \t\r") != std::string_view::npos;
        if (says_something && line != "Error:") out.emplace_back(line);
        if (end == std::string_view::npos) break;
        messages.remove_prefix(end + 1);
    }
    return out;
}

std::string failure_remedy(std::string_view messages, const RecordPlan& plan) {
    const auto says = [&](std::string_view text) {
        return messages.find(text) != std::string_view::npos;
    };
    if (says("perf_event_mlock_kb") || says("Permission error mapping pages")) {
        return "its buffers are larger than this user may have: give a smaller --mmap-pages, or "
               "sudo sysctl kernel.perf_event_mlock_kb=65536";
    }
    if (says("perf_event_paranoid") || says("Permission denied") ||
        says("Operation not permitted")) {
        return "the kernel does not let this user record that; " + permission_remedy(plan.all_cpus);
    }
    if (says("event syntax error") || says("parser error")) {
        return fmt::format("perf knows no event '{}'; perf list names those of this machine",
                           plan.event);
    }
    if (says("perf not found for kernel")) {
        return "this perf belongs to another kernel: sudo apt install linux-tools-$(uname -r)";
    }
    if (says("No such process")) return "the process has ended, or is of another container";
    if (says("No space left on device")) {
        return "give a directory with more room in TMPDIR, or record less: --duration, -F, "
               "--stack-size";
    }
    return {};
}

}  // namespace fgread::tools
