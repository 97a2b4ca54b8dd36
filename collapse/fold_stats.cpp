#include "collapse/fold_stats.h"

#include <algorithm>
#include <map>
#include <tuple>

#include <fmt/format.h>

#include "collapse/frame_names.h"
#include "collapse/module_paths.h"
#include "collapse/name_gaps.h"
#include "collapse/source_report.h"

namespace fgread {

namespace {

ModuleStats describe(const ModuleInfo& info) {
    ModuleStats stats;
    stats.path = info.path;
    stats.state = module_state_key(info.state);
    stats.fault = info.fault;
    stats.recorded_build_id = info.recorded_build_id.hex();
    stats.file_build_id = info.file_build_id.hex();
    stats.file = info.file;
    stats.debug_file = info.debug_file;
    return stats;
}

void use(Advice advice, ModuleStats& stats) {
    stats.remedy = std::move(advice.text);
    stats.command = std::move(advice.command);
}

// Why there are frames without a name, and whether inlined functions could be shown.
void explain(const ModuleCache& modules, ModuleId id, bool inlines,
             const RepeatedCommands& commands, ModuleStats& stats) {
    const ModuleInfo info = modules.info(id);
    const bool loaded = info.state == ModuleState::loaded;
    const bool wanted = loaded && (inlines || stats.unnamed != 0);
    const ModuleCache::NameSources sources =
        wanted ? modules.name_sources(id) : ModuleCache::NameSources{};
    if (loaded && inlines) stats.debug_info = sources.debug_info;
    if (stats.unnamed != 0) {
        const NameGap gap = name_gap(info, sources, modules.kernel_listing().names);
        stats.why = name_gap_key(gap);
        stats.why_text = gap == NameGap::unreadable ? info.fault : std::string(name_gap_text(gap));
        use(name_gap_advice(gap, info, commands), stats);
    } else if (!stats.debug_info) {
        use(debug_info_advice(info, commands), stats);
    }
}

void add_kernel(const ModuleInfo& info, KernelStats& kernel) {
    if (!info.path.starts_with("[kernel.kallsyms]")) return;
    kernel.sampled = true;
    if (info.state == ModuleState::loaded) kernel.file = info.file;
}

void count_stop(const StopCount& stop, ModuleStats& stats) {
    stats.stopped += stop.samples;
    if (stop.reason == StopReason::truncated) stats.truncated += stop.samples;
    if (stop.reason == StopReason::no_cfi) stats.no_cfi += stop.samples;
}

double percent(std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

// In milliseconds: "12.345 ms in 7 waits".
std::string waits_text(const WaitTotal& total) {
    return fmt::format("{:.3f} ms in {} {}", static_cast<double>(total.ns) / 1e6, total.waits,
                       total.waits == 1 ? "wait" : "waits");
}

void append_off_cpu(std::string& out, const OffCpuStats& stats) {
    if (!stats.wanted) return;
    out += fmt::format("waits    {}\n", off_cpu_text(stats));
    if (stats.until_sample.waits != 0) {
        out += fmt::format("         of these, {} until the thread's next sample\n",
                           waits_text(stats.until_sample));
    }
    if (stats.until_end.waits != 0) {
        out += fmt::format("         of these, {} until the end of the recording\n",
                           waits_text(stats.until_end));
    }
    if (stats.without_stack.waits != 0) {
        out += fmt::format("         besides, {} without a sample of where\n",
                           waits_text(stats.without_stack));
    }
    if (stats.away_at_start != 0) {
        out += fmt::format("         {} threads were off CPU when the recording began\n",
                           stats.away_at_start);
    }
}

void append_found(std::string& out, std::uint64_t frames, std::string_view how) {
    if (frames != 0) out += fmt::format("         {} of them found {}\n", frames, how);
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
    if (module.unnamed != 0) {
        out += fmt::format("  {:>10}   without a name: {}\n", module.unnamed, module.why_text);
    }
    if (!module.debug_info && module.why != name_gap_key(NameGap::stripped))
        out += fmt::format("  {:>10}   no debug info: inlined functions are not shown\n", "");
    if (!module.remedy.empty()) out += fmt::format("  {:>10}   remedy: {}\n", "", module.remedy);
    if (!module.command.empty()) out += fmt::format("  {:>10}     {}\n", "", module.command);
}

}  // namespace

void add_module_stats(const Profile& profile, const FrameNames& names, const ModuleCache& modules,
                      bool inlines, FoldStats& stats) {
    std::vector<ModuleStats> found(modules.module_count() + 1);
    for (std::uint32_t id = 1; id < found.size(); ++id) {
        found[id] = describe(modules.info(ModuleId{id}));
    }
    found[0].path = "[unknown]";
    found[0].state = "unmapped";

    const ModulePaths paths(profile, names);
    std::vector<std::uint64_t> samples(paths.set_count());
    for (const StackWeight& weight : profile.weights) {
        samples[paths.set_of(weight.stack)] += weight.samples;
    }
    for (std::uint32_t set = 0; set < samples.size(); ++set) {
        if (samples[set] == 0) continue;
        bool any_unnamed = false;
        for (const OnPath& each : paths.modules(set)) {
            found[each.module].samples += samples[set];
            if (each.unnamed) found[each.module].unnamed += samples[set];
            any_unnamed = any_unnamed || each.unnamed;
        }
        if (any_unnamed) stats.unnamed_samples += samples[set];
    }
    for (const StopCount& stop : profile.stops) count_stop(stop, found[stop.module.value]);
    for (std::uint32_t id = 0; id < found.size(); ++id) {
        if (found[id].samples == 0) continue;
        explain(modules, ModuleId{id}, inlines, stats.commands, found[id]);
        add_kernel(modules.info(ModuleId{id}), stats.kernel);
    }

    stats.kernel.listing = modules.kernel_listing();
    std::erase_if(found, [](const ModuleStats& s) { return s.samples == 0 && s.stopped == 0; });
    std::sort(found.begin(), found.end(), [](const ModuleStats& a, const ModuleStats& b) {
        return std::tie(b.samples, a.path, a.recorded_build_id) <
               std::tie(a.samples, b.path, b.recorded_build_id);
    });
    stats.modules = std::move(found);
}

std::uint64_t cut_stacks(const FoldStats& stats) {
    return stats.stop_reasons[static_cast<std::size_t>(StopReason::truncated)] +
           stats.stop_reasons[static_cast<std::size_t>(StopReason::stitched)];
}

std::string stats_text(const FoldStats& stats) {
    std::string out;
    out += fmt::format("file     {} bytes, {} records", stats.file_bytes, stats.records);
    if (!stats.coverage.is_whole()) {
        out += fmt::format("; not whole, read up to byte {}", stats.coverage.read_end);
    }
    out += '\n';
    out += fmt::format("samples  {} in {} processes", stats.samples, stats.processes);
    if (stats.lost_events != 0) out += fmt::format(", {} events lost", stats.lost_events);
    if (stats.guest_samples != 0) {
        out += fmt::format(", {} of guests left out", stats.guest_samples);
    }
    if (stats.filtered_samples != 0) {
        out += fmt::format(", {} not selected", stats.filtered_samples);
    }
    out += fmt::format("\nframes   {}, {} distinct, in {} distinct stacks\n", stats.frames,
                       stats.distinct_frames, stats.distinct_stacks);
    append_found(out, stats.debug_frame_frames, "by .debug_frame, where .eh_frame has no rule");
    append_found(out, stats.arm_exidx_frames, "by .ARM.exidx");
    append_found(out, stats.sframe_frames, "by SFrame");
    append_found(out, stats.analysed_frames, "by decoding code that has no call-frame information");
    append_found(out, stats.frame_pointer_frames,
                 "by frame pointers, where code has no call-frame information");
    append_found(out, stats.chain_frames, "in the chain that the kernel recorded beside the stack");
    append_found(out, stats.stitched_frames,
                 "in other samples of the thread, where the dump was too small");
    for (const EventStats& event : stats.events) {
        out +=
            fmt::format("event    {}: {} samples, weight {}{}\n", escape_control_bytes(event.name),
                        event.samples, event.period, event.folded ? "" : " (not folded)");
    }
    append_off_cpu(out, stats.off_cpu);
    out += "stacks\n";
    for (std::size_t i = 0; i < stop_reason_count; ++i) {
        if (stats.stop_reasons[i] == 0) continue;
        const auto reason = static_cast<StopReason>(i);
        out += fmt::format("  {:>10}  {:5.1f} %  {}: {}\n", stats.stop_reasons[i],
                           percent(stats.stop_reasons[i], stats.samples), stop_reason_key(reason),
                           stop_reason_text(reason));
        if (reason == StopReason::truncated && stats.longer_samples != 0) {
            out += fmt::format("  {:>10}           of them longer by frames of other samples\n",
                               stats.longer_samples);
        }
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

}  // namespace fgread
