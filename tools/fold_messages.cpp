#include "tools/fold_messages.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "collapse/name_gaps.h"

namespace fgread::tools {

namespace {

// Binaries named one by one; the rest are counted.
constexpr std::size_t max_named_modules = 3;

bool is_state(const ModuleStats& module, ModuleState state) {
    return module.state == module_state_key(state);
}

bool lacks_binary(const ModuleStats& module) {
    return is_state(module, ModuleState::missing) || is_state(module, ModuleState::mismatch) ||
           is_state(module, ModuleState::not_regular) ||
           is_state(module, ModuleState::unreadable) || is_state(module, ModuleState::foreign);
}

std::string samples_text(std::uint64_t count) {
    return fmt::format("{} {}", count, count == 1 ? "sample" : "samples");
}

std::string module_reason(const ModuleStats& module) {
    const bool deleted = module.path.ends_with(" (deleted)");
    if (is_state(module, ModuleState::missing)) {
        return deleted ? "not found: deleted before the recording ended" : "not found";
    }
    if (is_state(module, ModuleState::not_regular)) return "not a regular file, not opened";
    if (is_state(module, ModuleState::unreadable)) {
        // By --symfs or --vmlinux it is another file than the recorded one.
        const bool other = !module.file.empty() && module.file != module.path;
        return other ? module.file + ": " + module.fault : module.fault;
    }
    if (is_state(module, ModuleState::foreign)) {
        return "not used: recorded on another machine, without a build-id to compare";
    }
    if (module.recorded_build_id.empty() && deleted) {
        return "not used: deleted or replaced before the recording ended, without a build-id to "
               "compare";
    }
    if (module.recorded_build_id.empty()) {
        return "not used: replaced or changed since it was recorded, without a build-id to compare";
    }
    return fmt::format("not used: its build-id is {}, recorded was {}",
                       module.file_build_id.empty() ? "missing" : module.file_build_id,
                       module.recorded_build_id);
}

void add_module_warnings(const FoldStats& stats, const std::string& hint,
                         std::vector<std::string>& out) {
    std::size_t named = 0;
    std::size_t others = 0;
    for (const ModuleStats& module : stats.modules) {
        if (!lacks_binary(module)) continue;
        if (named == max_named_modules) {
            ++others;
            continue;
        }
        ++named;
        out.push_back(fmt::format("{}: {} ({} with frames in it, {} of them cut short there)",
                                  module.path, module_reason(module), samples_text(module.samples),
                                  module.stopped));
    }
    if (others != 0) {
        out.push_back(
            fmt::format("{} more binaries are missing or differ: --stats lists them", others));
    }
    if (named != 0) out.push_back(hint);
}

// The problems that have no better place: those of modules are told per module.
bool is_told_elsewhere(Problem problem) {
    switch (problem) {
        case Problem::module_missing:
        case Problem::module_mismatch:
        case Problem::module_not_regular:
        case Problem::module_unreadable:
        case Problem::module_foreign:
        case Problem::kallsyms_restricted:
        case Problem::kallsyms_mismatch:
        case Problem::kernel_unknown:
        case Problem::cfi_malformed:
        case Problem::symbol_malformed:
        case Problem::name_too_long:
        case Problem::debug_info_malformed:
        case Problem::jit_file_refused:
        case Problem::jit_file_malformed:
        case Problem::jitdump_clock:
            return true;
        default:
            return false;
    }
}

void add_problem_warnings(const FoldStats& stats, std::vector<std::string>& out) {
    for (std::size_t i = 0; i < problem_count; ++i) {
        const auto problem = static_cast<Problem>(i);
        const ProblemEntry& entry = stats.diagnostics[problem];
        if (entry.count == 0 || is_told_elsewhere(problem)) continue;
        // Problems of files beside the recording have no offset in it.
        std::string place = entry.first_detail;
        if (entry.first_offset != 0 || place.empty()) {
            place = fmt::format("at file offset {}{}{}", entry.first_offset,
                                place.empty() ? "" : ": ", place);
        }
        std::string text = fmt::format("{} (first {}", problem_text(problem), place);
        text += entry.count == 1 ? ")" : fmt::format("; {} times)", entry.count);
        out.push_back(std::move(text));
    }
}

// Memory that only a JIT executes; code on the heap or stack is an accident, vsyscall the kernel's.
bool is_jit_without_map(const ModuleStats& module) {
    return is_state(module, ModuleState::anonymous) && module.path != "[vsyscall]" &&
           module.path != "[uprobes]";
}

void add_jit_warnings(const FoldStats& stats, std::vector<std::string>& out) {
    const ProblemEntry& refused = stats.diagnostics[Problem::jit_file_refused];
    if (refused.count != 0) {
        const std::string more =
            refused.count == 1 ? "" : fmt::format(" ({} more like it)", refused.count - 1);
        out.push_back(fmt::format(
            "not used for names of JIT code: {}{}; --perf-map-dir DIR uses what is in DIR",
            refused.first_detail, more));
    }
    const ProblemEntry& malformed = stats.diagnostics[Problem::jit_file_malformed];
    if (malformed.count != 0) {
        out.push_back(fmt::format("{}: malformed lines or records; {} skipped",
                                  malformed.first_detail, malformed.count));
    }
    const ProblemEntry& clock = stats.diagnostics[Problem::jitdump_clock];
    if (clock.count != 0) {
        out.push_back(clock.first_detail +
                      ": its times are not the recording's, so code whose place was used again has "
                      "the name of the last; record with: perf record -k mono");
    }
    for (const ModuleStats& module : stats.modules) {
        if (!is_jit_without_map(module)) continue;
        out.push_back(fmt::format(
            "{}: JIT code without names ({}): no perf map or jitdump of its process; node "
            "--perf-basic-prof and python3.12 -X perf write them, java has an agent; "
            "--perf-map-dir "
            "DIR if they lie elsewhere",
            module.path.empty() ? "unnamed memory" : module.path, samples_text(module.samples)));
        break;
    }
}

std::string kernel_warning(NameGap gap, bool lost_features) {
    const bool unknown = gap == NameGap::kernel_unknown;
    return fmt::format(
        "kernel frames have no names: {}; {}",
        unknown && lost_features ? "the lost end of the recording said which kernel it was"
                                 : name_gap_text(gap),
        unknown ? "if it was the running one, give --kallsyms /proc/kallsyms"
                : "give the /proc/kallsyms of the recorded machine with --kallsyms FILE");
}

void add_kernel_warnings(const FoldStats& stats, std::vector<std::string>& out) {
    if (stats.diagnostics[Problem::kallsyms_restricted].count != 0) {
        out.push_back(
            "kernel frames have no names: /proc/kallsyms shows only zeros to this user; run as "
            "root, or 'sysctl kernel.kptr_restrict=0', or give a copy with --kallsyms FILE");
    }
    for (const NameGap gap :
         {NameGap::kernel_unknown, NameGap::kernel_differs, NameGap::kernel_unreadable}) {
        const bool met = std::any_of(
            stats.modules.begin(), stats.modules.end(),
            [gap](const ModuleStats& module) { return module.why == name_gap_key(gap); });
        if (met) out.push_back(kernel_warning(gap, stats.coverage.lost_features));
    }
}

void add_call_graph_warning(const FoldStats& stats, std::vector<std::string>& out) {
    if (stats.has_call_graphs || stats.samples == 0) return;
    out.push_back(
        "recorded without call graphs, so that every stack is one function; perf record "
        "--call-graph dwarf records them");
}

void add_event_warnings(const FoldStats& stats, std::vector<std::string>& out) {
    for (const EventStats& event : stats.events) {
        if (event.folded || event.samples == 0) continue;
        out.push_back(fmt::format("not in the output: {} of event '{}'; --event '{}' folds them",
                                  samples_text(event.samples), event.name, event.name));
    }
}

void add_off_cpu_warnings(const OffCpuStats& stats, std::vector<std::string>& out) {
    if (stats.unread_switches != 0) {
        out.push_back(fmt::format(
            "{} of sched:sched_switch do not say in a way that is understood which threads they "
            "are about (another kernel, or recorded in a container); record context-switches "
            "with --switch-events instead",
            samples_text(stats.unread_switches)));
    }
    if (stats.until_sample.waits != 0) {
        out.push_back(fmt::format(
            "{} of the waits last until the next sample of their thread, so that time on CPU may "
            "be in them: the recording does not say when it came back; perf record "
            "--switch-events records that",
            stats.until_sample.waits));
    }
    if (stats.without_stack.waits != 0) {
        out.push_back(fmt::format(
            "{:.3f} s off CPU in {} waits are not in the output, because no sample says where; "
            "-c 1, or context-switches/period=1/, makes perf record sample every switch",
            static_cast<double>(stats.without_stack.ns) / 1e9, stats.without_stack.waits));
    }
}

}  // namespace

std::vector<std::string> warnings(const FoldStats& stats, const std::string& binaries_hint) {
    std::vector<std::string> out;
    add_problem_warnings(stats, out);
    add_call_graph_warning(stats, out);
    add_event_warnings(stats, out);
    add_off_cpu_warnings(stats.off_cpu, out);
    add_module_warnings(stats, binaries_hint, out);
    add_jit_warnings(stats, out);
    add_kernel_warnings(stats, out);
    if (stats.lost_events != 0) {
        out.push_back(
            fmt::format("the kernel lost {} events while recording: a lower -F or a "
                        "larger -m of perf record avoids that",
                        stats.lost_events));
    }
    return out;
}

std::string binaries_hint(const std::string& path, bool archive_given) {
    if (archive_given) {
        return "what the archive lacks ('perf archive' leaves out binaries that only called "
               "others) can be given with --symfs DIR, a copy of the recorded machine's files";
    }
    for (const char* ending : {".tar.bz2", ".tar.gz", ".tar.xz", ".tar.zst", ".tar"}) {
        std::error_code error;
        if (path == "-" || !std::filesystem::is_regular_file(path + ending, error)) continue;
        return fmt::format(
            "{0}{1} lies beside the recording: --archive {0}{1} takes binaries from it", path,
            ending);
    }
    return "a copy of the recorded machine's files can be given with --symfs DIR, and what 'perf "
           "archive' packed there with --archive FILE";
}

namespace {

// Modules named in the summary.
constexpr std::size_t max_unnamed_modules = 2;

// "; 312 with unnamed frames: 290 in libz.so.1 (stripped), 22 in //anon (no_map)"
std::string unnamed_summary(const FoldStats& stats) {
    std::vector<const ModuleStats*> modules;
    for (const ModuleStats& module : stats.modules) {
        if (module.unnamed != 0) modules.push_back(&module);
    }
    std::stable_sort(modules.begin(), modules.end(),
                     [](const auto* a, const auto* b) { return a->unnamed > b->unnamed; });
    if (modules.empty()) return {};
    std::string out = fmt::format("; {} with unnamed frames", stats.unnamed_samples);
    const char* separator = ": ";
    for (std::size_t i = 0; i < std::min(modules.size(), max_unnamed_modules); ++i) {
        const std::string_view path = modules[i]->path;
        out += fmt::format("{}{} in {} ({})", separator, modules[i]->unnamed,
                           escape_control_bytes(path.substr(path.find_last_of('/') + 1)),
                           modules[i]->why);
        separator = ", ";
    }
    return out + (modules.size() > max_unnamed_modules ? ", ..." : "");
}

}  // namespace

std::string summary(const FoldStats& stats) {
    if (stats.samples == 0 && stats.filtered_samples != 0) {
        return fmt::format("none of the recording's {} is selected",
                           samples_text(stats.filtered_samples));
    }
    if (stats.samples == 0) return "no samples in this recording";
    std::string out = samples_text(stats.samples);
    const bool all_folded =
        std::all_of(stats.events.begin(), stats.events.end(),
                    [](const EventStats& event) { return event.folded || event.samples == 0; });
    if (!all_folded) out += " of all events";
    if (!stats.coverage.is_whole()) out += " of a recording that is not whole";
    const char* separator = ": ";
    for (std::size_t i = 0; i < stop_reason_count; ++i) {
        if (stats.stop_reasons[i] == 0) continue;
        const double share =
            100.0 * static_cast<double>(stats.stop_reasons[i]) / static_cast<double>(stats.samples);
        out += fmt::format("{}{:.1f} % {}", separator, share,
                           stop_reason_key(static_cast<StopReason>(i)));
        separator = ", ";
    }
    if (stats.off_cpu.wanted) out += "; " + off_cpu_text(stats.off_cpu);
    return out + unnamed_summary(stats);
}

void show_progress(const DebuginfodOptions::Progress& progress) {
    constexpr double megabyte = 1e6;
    if (progress.done) {
        std::fputs("\r\x1b[K", stderr);  // to the start of the line, and erase it
        return;
    }
    std::string size = fmt::format("{:.1f}", static_cast<double>(progress.bytes) / megabyte);
    if (progress.total != 0) {
        size += fmt::format(" of {:.1f}", static_cast<double>(progress.total) / megabyte);
    }
    fmt::print(stderr, "\r\x1b[Kfgread: debuginfod, build-id {:.12}: {} MB", progress.build_id,
               size);
    std::fflush(stderr);
}

}  // namespace fgread::tools
