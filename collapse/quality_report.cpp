#include "collapse/quality_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "collapse/remedies.h"
#include "collapse/source_report.h"

namespace fgread {
namespace {

// Modules named one by one, those that cost most samples.
constexpr std::size_t max_modules = 10;

std::uint64_t ended(const FoldStats& stats, StopReason reason) {
    return stats.stop_reasons[static_cast<std::size_t>(reason)];
}

double percent_of(std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

void append_stacks(const FoldStats& stats, std::string& out) {
    const Completeness done = completeness(stats);
    out += fmt::format("quality  {} of {} user stacks complete ({:.1f} %){}\n", done.complete,
                       done.stacks, done.percent(),
                       stats.coverage.is_whole() ? "" : ", of those that were read");
    for (std::size_t i = 0; i < stop_reason_count; ++i) {
        const auto reason = static_cast<StopReason>(i);
        if (stats.stop_reasons[i] == 0 || reason == StopReason::complete) continue;
        out += fmt::format("  {:>10}  {:5.1f} %  {}: {}\n", stats.stop_reasons[i],
                           percent_of(stats.stop_reasons[i], stats.samples),
                           stop_reason_key(reason), stop_reason_text(reason));
    }
    if (stats.lost_events != 0) {
        out += fmt::format("  {:>10}  events lost while recording\n", stats.lost_events);
    }
}

void append_depths(const FoldStats& stats, std::string& out) {
    const DepthStats& depths = stats.depths;
    const std::uint64_t complete = depths.complete_count();
    const std::uint64_t cut = cut_stacks(stats);
    const std::uint64_t all = complete + cut;
    if (all == 0) return;
    out += fmt::format("depth    dumps of {} bytes\n", stats.dump_bytes);
    if (complete != 0) {
        out += fmt::format(
            "  the complete stacks needed: half of them up to {} bytes, 90 % up to {}, 99 % up to "
            "{}\n",
            depths.complete_needed(0.5), depths.complete_needed(0.9), depths.complete_needed(0.99));
    }
    if (cut == 0) return;
    out += fmt::format("  of the stacks that could be followed, {:.1f} % were cut at {} bytes\n",
                       percent_of(cut, all), stats.dump_bytes);
    if (stats.stitched_frames != 0) {
        out += fmt::format(
            "  {} of them were completed from other samples of their threads, {} made longer\n",
            ended(stats, StopReason::stitched), stats.longer_samples);
    }
    if (depths.cut_unknown != cut) {
        for (const std::uint32_t size : larger_dumps(stats.dump_bytes)) {
            out += fmt::format("  --call-graph dwarf,{:<5} would hold at least {:5.1f} %\n", size,
                               percent_of(depths.fitting(size), all));
        }
    }
    if (depths.cut_unknown != 0) {
        out += fmt::format(
            "  {:.1f} % were cut and are of unknown depth: no stack of their threads is complete\n",
            percent_of(depths.cut_unknown, all));
    }
}

std::uint64_t lost_in(const ModuleStats& module) {
    return std::max(module.stopped - module.truncated, module.unnamed);
}

// Those that cost something, the dearest first.
std::vector<const ModuleStats*> poor_modules(const FoldStats& stats) {
    std::vector<const ModuleStats*> modules;
    for (const ModuleStats& module : stats.modules) {
        if (lost_in(module) != 0) modules.push_back(&module);
    }
    std::stable_sort(modules.begin(), modules.end(),
                     [](const auto* a, const auto* b) { return lost_in(*a) > lost_in(*b); });
    return modules;
}

void append_modules(const FoldStats& stats, std::string& out) {
    const std::vector<const ModuleStats*> modules = poor_modules(stats);
    if (modules.empty()) return;
    out += "modules     samples, cut short there,  no rule,  unnamed\n";
    for (std::size_t i = 0; i < std::min(modules.size(), max_modules); ++i) {
        const ModuleStats& module = *modules[i];
        out += fmt::format("  {:>17}  {:>15}  {:>8}  {:>7}  {}{}{}\n", module.samples,
                           module.stopped - module.truncated, module.no_cfi, module.unnamed,
                           escape_control_bytes(module.path), module.why.empty() ? "" : ": ",
                           module.why_text);
    }
    if (modules.size() > max_modules) {
        out += fmt::format("  {} more: --stats lists them\n", modules.size() - max_modules);
    }
}

void append_remedies(const FoldStats& stats, std::string& out) {
    const std::vector<Remedy> remedies = best_remedies(stats, max_remedies);
    if (!remedies.empty()) out += "what to do, and how many samples gain by it at most\n";
    for (const Remedy& remedy : remedies) {
        out += fmt::format("  {:>10}  {}: {}\n", remedy.samples, remedy.what, remedy.action);
        if (!remedy.command.empty()) out += fmt::format("  {:>10}    {}\n", "", remedy.command);
    }
}

}  // namespace

double Completeness::percent() const { return stacks == 0 ? 100.0 : percent_of(complete, stacks); }

Completeness completeness(const FoldStats& stats) {
    const std::uint64_t none = stats.has_call_graphs ? ended(stats, StopReason::no_registers) : 0;
    return {stats.samples - none, ended(stats, StopReason::complete) +
                                      ended(stats, StopReason::recorded) +
                                      ended(stats, StopReason::stitched)};
}

std::string report_text(const FoldStats& stats) {
    std::string out = source_text(stats);
    append_stacks(stats, out);
    append_depths(stats, out);
    append_modules(stats, out);
    append_remedies(stats, out);
    return out;
}

}  // namespace fgread
