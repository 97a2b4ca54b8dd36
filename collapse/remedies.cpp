#include "collapse/remedies.h"

#include <algorithm>

#include <fmt/format.h>

#include "collapse/frame_names.h"

namespace fgread {
namespace {

// What the advised dump should make complete: recordings of deep recursions never reach 100 %.
constexpr double wanted_share = 0.95;

void add_call_graph(const FoldStats& stats, std::vector<Remedy>& out) {
    if (stats.has_call_graphs || stats.samples == 0) return;
    out.push_back(
        {stats.samples, "recorded without call graphs", "`perf record --call-graph dwarf`"});
}

void add_dump_size(const FoldStats& stats, std::vector<Remedy>& out) {
    const std::uint64_t cut = stats.stop_reasons[static_cast<std::size_t>(StopReason::truncated)];
    if (cut == 0) return;
    Remedy remedy{cut, fmt::format("stacks cut at {} bytes", stats.dump_bytes), ""};
    if (stats.dump_bytes >= max_dump_bytes) {
        remedy.action =
            "a larger dump is not possible; build with -fno-omit-frame-pointer and `perf record "
            "--call-graph fp`";
    } else {
        remedy.action =
            fmt::format("`perf record --call-graph dwarf,{}`", advised_dump_bytes(stats));
    }
    out.push_back(std::move(remedy));
}

std::string short_path(const ModuleStats& module) {
    const std::string_view path = module.path;
    return escape_control_bytes(path.substr(path.find_last_of('/') + 1));
}

// One remedy helps several modules: --symfs brings all missing files.
void add_for_module(Remedy remedy, const ModuleStats& module, std::vector<Remedy>& out) {
    const auto known = std::find_if(
        out.begin(), out.end(), [&](const Remedy& other) { return other.action == remedy.action; });
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

void add_modules(const FoldStats& stats, std::vector<Remedy>& out) {
    std::vector<Remedy> found;
    for (const ModuleStats& module : stats.modules) {
        if (module.unnamed != 0 && !module.remedy.empty()) {
            add_for_module(
                {module.unnamed, fmt::format("{} in {}", module.why_text, short_path(module)),
                 module.remedy},
                module, found);
        }
        if (module.no_cfi == 0) continue;
        const bool jit = module.file.empty() || module.file.ends_with(".map");
        add_for_module({module.no_cfi, "no call-frame information in " + short_path(module),
                        jit ? "`fgread --trust-frame-pointers`, if that code keeps them (node's "
                              "does); or record with a jitdump (node --perf-prof), which has rules"
                            : "build it with -fasynchronous-unwind-tables"},
                       module, found);
    }
    // A sample has frames in several of the modules that one remedy helps.
    for (Remedy& remedy : found) remedy.samples = std::min(remedy.samples, stats.samples);
    out.insert(out.end(), found.begin(), found.end());
}

void add_lost_events(const FoldStats& stats, std::vector<Remedy>& out) {
    if (stats.lost_events == 0) return;
    out.push_back(
        {stats.lost_events, "events lost while recording", "`perf record -m 64M`, or a lower -F"});
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
    add_lost_events(stats, remedies);
    std::stable_sort(remedies.begin(), remedies.end(),
                     [](const Remedy& a, const Remedy& b) { return a.samples > b.samples; });
    if (remedies.size() > count) remedies.resize(count);
    return remedies;
}

}  // namespace fgread
