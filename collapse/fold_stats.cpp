#include "collapse/fold_stats.h"

#include <algorithm>
#include <map>
#include <tuple>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "collapse/frame_names.h"

namespace fgread {

namespace {

// The modules on the path of one stack, each once.
void collect_modules(const Profile& profile, StackId stack, std::vector<std::uint32_t>& modules) {
    modules.clear();
    for (StackId at = stack; profile.stacks[at].parent != no_stack;
         at = profile.stacks[at].parent) {
        const std::uint32_t module = profile.frames[profile.stacks[at].label].module.value;
        if (modules.empty() || modules.back() != module) modules.push_back(module);
    }
    std::sort(modules.begin(), modules.end());
    modules.erase(std::unique(modules.begin(), modules.end()), modules.end());
}

ModuleStats describe(const ModuleInfo& info) {
    ModuleStats stats;
    stats.path = info.path;
    stats.state = module_state_key(info.state);
    stats.recorded_build_id = info.recorded_build_id.hex();
    stats.file_build_id = info.file_build_id.hex();
    stats.file = info.file;
    stats.debug_file = info.debug_file;
    return stats;
}

double percent(std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

void append_module(std::string& out, const ModuleStats& module) {
    out += fmt::format("  {:>10} samples, {:>8} stopped  {:<12} {}", module.samples, module.stopped,
                       module.state, escape_control_bytes(module.path));
    if (!module.recorded_build_id.empty()) {
        out += fmt::format(" (build-id {})", module.recorded_build_id);
    }
    if (module.state == module_state_key(ModuleState::mismatch)) {
        out += fmt::format(", but {} has {}",
                           module.file.empty() ? "the file" : escape_control_bytes(module.file),
                           module.file_build_id.empty() ? "none" : module.file_build_id);
    }
    out += '\n';
}

}  // namespace

std::vector<ModuleStats> module_stats(const Profile& profile, const ModuleCache& modules) {
    std::vector<ModuleStats> stats(modules.module_count() + 1);
    for (std::uint32_t id = 1; id < stats.size(); ++id) {
        stats[id] = describe(modules.info(ModuleId{id}));
    }
    stats[0].path = "[unknown]";
    stats[0].state = "unmapped";

    std::vector<std::uint32_t> on_path;
    for (const StackWeight& weight : profile.weights) {
        collect_modules(profile, weight.stack, on_path);
        for (const std::uint32_t module : on_path) stats[module].samples += weight.samples;
    }
    for (const StopCount& stop : profile.stops) stats[stop.module.value].stopped += stop.samples;

    std::erase_if(stats, [](const ModuleStats& s) { return s.samples == 0 && s.stopped == 0; });
    std::sort(stats.begin(), stats.end(), [](const ModuleStats& a, const ModuleStats& b) {
        return std::tie(b.samples, a.path, a.recorded_build_id) <
               std::tie(a.samples, b.path, b.recorded_build_id);
    });
    return stats;
}

std::string stats_text(const FoldStats& stats) {
    std::string out;
    out += fmt::format("file     {} bytes, {} records\n", stats.file_bytes, stats.records);
    out += fmt::format("samples  {} in {} processes", stats.samples, stats.processes);
    if (stats.lost_events != 0) out += fmt::format(", {} events lost", stats.lost_events);
    if (stats.guest_samples != 0) {
        out += fmt::format(", {} of guests left out", stats.guest_samples);
    }
    out += fmt::format("\nframes   {}, {} distinct, in {} distinct stacks\n", stats.frames,
                       stats.distinct_frames, stats.distinct_stacks);
    for (const EventStats& event : stats.events) {
        out +=
            fmt::format("event    {}: {} samples, weight {}{}\n", escape_control_bytes(event.name),
                        event.samples, event.period, event.folded ? "" : " (not folded)");
    }
    out += "stacks\n";
    for (std::size_t i = 0; i < stop_reason_count; ++i) {
        if (stats.stop_reasons[i] == 0) continue;
        const auto reason = static_cast<StopReason>(i);
        out += fmt::format("  {:>10}  {:5.1f} %  {}: {}\n", stats.stop_reasons[i],
                           percent(stats.stop_reasons[i], stats.samples), stop_reason_key(reason),
                           stop_reason_text(reason));
    }
    if (!stats.modules.empty()) out += "modules\n";
    for (const ModuleStats& module : stats.modules) append_module(out, module);
    for (std::size_t i = 0; i < problem_count; ++i) {
        const auto problem = static_cast<Problem>(i);
        const ProblemEntry& entry = stats.diagnostics[problem];
        if (entry.count == 0) continue;
        out += fmt::format(
            "problem  {}: {} ({}){}\n", problem_key(problem), entry.count, problem_text(problem),
            entry.first_detail.empty() ? ""
                                       : ", first: " + escape_control_bytes(entry.first_detail));
    }
    return out;
}

std::string stats_json(const FoldStats& stats) {
    using nlohmann::ordered_json;
    ordered_json json;
    json["file_bytes"] = stats.file_bytes;
    json["records"] = stats.records;
    json["samples"] = stats.samples;
    json["lost_events"] = stats.lost_events;
    json["guest_samples"] = stats.guest_samples;
    json["processes"] = stats.processes;
    json["frames"] = stats.frames;
    json["distinct_frames"] = stats.distinct_frames;
    json["distinct_stacks"] = stats.distinct_stacks;
    json["stop_reasons"] = ordered_json::object();
    for (std::size_t i = 0; i < stop_reason_count; ++i) {
        const auto reason = static_cast<StopReason>(i);
        json["stop_reasons"][std::string(stop_reason_key(reason))] = stats.stop_reasons[i];
    }
    json["events"] = ordered_json::array();
    for (const EventStats& event : stats.events) {
        json["events"].push_back({{"name", event.name},
                                  {"samples", event.samples},
                                  {"period", event.period},
                                  {"folded", event.folded}});
    }
    json["modules"] = ordered_json::array();
    for (const ModuleStats& module : stats.modules) {
        json["modules"].push_back({{"path", module.path},
                                   {"state", module.state},
                                   {"recorded_build_id", module.recorded_build_id},
                                   {"file_build_id", module.file_build_id},
                                   {"file", module.file},
                                   {"debug_file", module.debug_file},
                                   {"samples", module.samples},
                                   {"stopped", module.stopped}});
    }
    json["problems"] = ordered_json::object();
    for (std::size_t i = 0; i < problem_count; ++i) {
        const auto problem = static_cast<Problem>(i);
        const ProblemEntry& entry = stats.diagnostics[problem];
        json["problems"][std::string(problem_key(problem))] = {
            {"count", entry.count},
            {"first_offset", entry.first_offset},
            {"first_detail", entry.first_detail}};
    }
    // Paths are bytes of somebody else's machine: what is not UTF-8 is replaced, never thrown over.
    return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace fgread
