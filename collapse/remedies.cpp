#include "collapse/remedies.h"

#include <algorithm>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "collapse/frame_names.h"

namespace fgread {
namespace {

// What the advised dump should make complete: recordings of deep recursions never reach 100 %.
constexpr double wanted_share = 0.95;

// Of each processor; perf takes 512 KiB by itself.
constexpr const char* larger_buffers = "64M";

// As perf takes a frequency, and not 0 if halved.
bool is_frequency(std::string_view text) {
    return text.size() > 1 && text.size() < 10 &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

void add_call_graph(const FoldStats& stats, std::vector<Remedy>& out) {
    if (stats.has_call_graphs || stats.samples == 0) return;
    out.push_back({stats.samples, "recorded without call graphs", "record them",
                   stats.commands.record_with("--call-graph", "dwarf")});
}

void add_dump_size(const FoldStats& stats, std::vector<Remedy>& out) {
    const std::uint64_t cut = stats.stop_reasons[static_cast<std::size_t>(StopReason::truncated)];
    if (cut == 0) return;
    Remedy remedy{cut, fmt::format("stacks cut at {} bytes", stats.dump_bytes), "", ""};
    if (stats.dump_bytes >= max_dump_bytes) {
        remedy.action =
            "a larger dump is not possible: build the program with -fno-omit-frame-pointer, and "
            "have the kernel follow frame pointers";
        remedy.command = stats.commands.record_with("--call-graph", "fp");
    } else {
        remedy.action = "record larger dumps";
        remedy.command = stats.commands.record_with(
            "--call-graph", fmt::format("dwarf,{}", advised_dump_bytes(stats)));
    }
    out.push_back(std::move(remedy));
}

std::string short_path(const ModuleStats& module) {
    const std::string_view path = module.path;
    return escape_control_bytes(path.substr(path.find_last_of('/') + 1));
}

// One remedy helps several modules: --symfs brings all missing files.
void add_for_module(Remedy remedy, const ModuleStats& module, std::vector<Remedy>& out) {
    const auto known = std::find_if(out.begin(), out.end(), [&](const Remedy& other) {
        return other.action == remedy.action && other.command == remedy.command;
    });
    if (known == out.end()) {
        out.push_back(std::move(remedy));
        return;
    }
    known->samples += remedy.samples;
    if (!known->what.ends_with(", ...")) {
        const bool many = known->what.find(", ") != std::string::npos;
        known->what += many ? ", ..." : ", " + short_path(module);
    }
}

// What leads through code of a JIT, which has rules in a jitdump only.
Remedy follow_jit_frames(const RepeatedCommands& commands) {
    std::string again = commands.record_jit(RepeatedCommands::JitFile::jitdump);
    if (commands.fold_has("--trust-frame-pointers")) {
        return {0, "", "record with a jitdump (node --perf-prof), which has rules", again};
    }
    return {0, "",
            "believe its frame pointers, if it keeps them (node's does); or record with a jitdump "
            "(node --perf-prof), which has rules",
            commands.fold_with("--trust-frame-pointers", "")};
}

void add_modules(const FoldStats& stats, std::vector<Remedy>& out) {
    std::vector<Remedy> found;
    for (const ModuleStats& module : stats.modules) {
        if (module.unnamed != 0 && !module.remedy.empty()) {
            add_for_module(
                {module.unnamed, fmt::format("{} in {}", module.why_text, short_path(module)),
                 module.remedy, module.command},
                module, found);
        }
        if (module.no_cfi == 0) continue;
        const bool jit = module.file.empty() || module.file.ends_with(".map");
        Remedy remedy = jit ? follow_jit_frames(stats.commands)
                            : Remedy{0, "", "build it with -fasynchronous-unwind-tables", ""};
        remedy.samples = module.no_cfi;
        remedy.what = "no call-frame information in " + short_path(module);
        add_for_module(std::move(remedy), module, found);
    }
    // A sample has frames in several of the modules that one remedy helps.
    for (Remedy& remedy : found) remedy.samples = std::min(remedy.samples, stats.samples);
    out.insert(out.end(), found.begin(), found.end());
}

// When perf record --switch-output begins a file, perf 6.1 writes what its command has mapped, but
// not what the command's children have (of `sh -c ./program` 171 of 171 samples had no mapping);
// with -a it does so for all processes. --tail-synthesize does it last, when some may have ended.
void add_switched_output(const FoldStats& stats, std::vector<Remedy>& out) {
    const std::uint64_t lost = stats.stop_reasons[static_cast<std::size_t>(StopReason::no_mapping)];
    const RepeatedCommands& commands = stats.commands;
    if (lost == 0 || !commands.record_has("--switch-output")) return;
    for (const char* other : {"-a", "-p", "-t", "--tail-synthesize"}) {
        if (commands.record_has(other)) return;
    }
    out.push_back({lost, "mapped before perf switched to this file (--switch-output)",
                   "record all processes (by root), for which perf writes into each file what is "
                   "mapped, and choose yours by --comm or --pid",
                   commands.record_with("-a", "")});
}

void add_lost_events(const FoldStats& stats, std::vector<Remedy>& out) {
    if (stats.lost_events == 0) return;
    const RepeatedCommands& commands = stats.commands;
    const std::string frequency = commands.recorded_value("-F");
    Remedy remedy{stats.lost_events, "events lost while recording", "", ""};
    if (commands.recorded_value("-m") == larger_buffers && is_frequency(frequency)) {
        remedy.action = "record at a lower frequency";
        remedy.command = commands.record_with("-F", std::to_string(std::stoul(frequency) / 2));
    } else {
        remedy.action =
            "record with larger buffers (by root, or with a larger kernel.perf_event_mlock_kb)";
        remedy.command = commands.record_with("-m", larger_buffers);
    }
    out.push_back(std::move(remedy));
}

}  // namespace

std::vector<std::uint32_t> larger_dumps(std::uint32_t dump_bytes) {
    std::vector<std::uint32_t> sizes;
    if (dump_bytes == 0) return sizes;
    for (std::uint64_t size = std::uint64_t{dump_bytes} * 2; size < max_dump_bytes; size *= 2) {
        sizes.push_back(static_cast<std::uint32_t>(size / 8 * 8));
    }
    if (dump_bytes < max_dump_bytes) sizes.push_back(max_dump_bytes);
    return sizes;
}

std::uint32_t advised_dump_bytes(const FoldStats& stats) {
    const std::uint64_t cut = cut_stacks(stats);
    const std::uint64_t complete = stats.depths.complete_count();
    const double wanted = wanted_share * static_cast<double>(cut + complete);
    for (const std::uint32_t size : larger_dumps(stats.dump_bytes)) {
        if (static_cast<double>(stats.depths.fitting(size)) >= wanted) return size;
    }
    return max_dump_bytes;
}

std::vector<Remedy> best_remedies(const FoldStats& stats, std::size_t count) {
    std::vector<Remedy> remedies;
    add_call_graph(stats, remedies);
    add_dump_size(stats, remedies);
    add_modules(stats, remedies);
    add_switched_output(stats, remedies);
    add_lost_events(stats, remedies);
    std::stable_sort(remedies.begin(), remedies.end(),
                     [](const Remedy& a, const Remedy& b) { return a.samples > b.samples; });
    if (remedies.size() > count) remedies.resize(count);
    return remedies;
}

}  // namespace fgread
