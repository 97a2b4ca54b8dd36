// The statistics and the quality report as JSON, in one file: nlohmann's header takes longer to
// compile than what is done with it.
#include <nlohmann/json.hpp>
#include <string>

#include "collapse/fold_stats.h"
#include "collapse/quality_report.h"
#include "collapse/remedies.h"
#include "collapse/source_report.h"

namespace fgread {

namespace {

using nlohmann::ordered_json;

ordered_json input_json(const Coverage& coverage) {
    ordered_json json = {
        {"whole", coverage.is_whole()},    {"closed", coverage.closed},
        {"end_known", coverage.end_known}, {"features_lost", coverage.lost_features},
        {"read_end", coverage.read_end},   {"read_bytes", coverage.read_bytes},
        {"unread_bytes", nullptr},         {"missing_bytes", coverage.missing_bytes}};
    if (coverage.unread_bytes) json["unread_bytes"] = *coverage.unread_bytes;
    return json;
}

ordered_json off_cpu_json(const OffCpuStats& stats) {
    const auto total = [](const WaitTotal& waits) {
        return ordered_json{{"waits", waits.waits}, {"ns", waits.ns}};
    };
    return {{"blocked", total(stats.blocked)},      {"preempted", total(stats.preempted)},
            {"unknown", total(stats.unknown)},      {"until_sample", total(stats.until_sample)},
            {"until_end", total(stats.until_end)},  {"without_stack", total(stats.without_stack)},
            {"away_at_start", stats.away_at_start}, {"unread_switches", stats.unread_switches}};
}

ordered_json all_stats(const FoldStats& stats) {
    ordered_json json;
    json["file_bytes"] = stats.file_bytes;
    json["input"] = input_json(stats.coverage);
    json["records"] = stats.records;
    json["samples"] = stats.samples;
    json["lost_events"] = stats.lost_events;
    json["filtered_samples"] = stats.filtered_samples;
    json["guest_samples"] = stats.guest_samples;
    json["processes"] = stats.processes;
    json["frames"] = stats.frames;
    json["debug_frame_frames"] = stats.debug_frame_frames;
    json["arm_exidx_frames"] = stats.arm_exidx_frames;
    json["sframe_frames"] = stats.sframe_frames;
    json["analysed_frames"] = stats.analysed_frames;
    json["frame_pointer_frames"] = stats.frame_pointer_frames;
    json["chain_frames"] = stats.chain_frames;
    json["stitched_frames"] = stats.stitched_frames;
    json["longer_samples"] = stats.longer_samples;
    json["distinct_frames"] = stats.distinct_frames;
    json["distinct_stacks"] = stats.distinct_stacks;
    json["unnamed_samples"] = stats.unnamed_samples;
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
                                  {"folded", event.folded},
                                  {"lost", event.lost}});
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
                                   {"stopped", module.stopped},
                                   {"truncated", module.truncated},
                                   {"no_cfi", module.no_cfi},
                                   {"unnamed", module.unnamed},
                                   {"why", module.why},
                                   {"debug_info", module.debug_info},
                                   {"remedy", module.remedy},
                                   {"command", module.command}});
    }
    if (stats.kernel.sampled) {
        json["kernel"] = {{"names", kernel_names_key(stats.kernel.listing.names)},
                          {"source", kernel_source_key(stats.kernel.listing.source)},
                          {"file", stats.kernel.file}};
    }
    if (stats.off_cpu.wanted) json["off_cpu"] = off_cpu_json(stats.off_cpu);
    json["problems"] = ordered_json::object();
    for (std::size_t i = 0; i < problem_count; ++i) {
        const auto problem = static_cast<Problem>(i);
        const ProblemEntry& entry = stats.diagnostics[problem];
        json["problems"][std::string(problem_key(problem))] = {
            {"count", entry.count},
            {"first_offset", entry.first_offset},
            {"first_detail", entry.first_detail}};
    }
    return json;
}

ordered_json depth_json(const FoldStats& stats) {
    ordered_json json;
    json["dump_bytes"] = stats.dump_bytes;
    json["complete_needed"] = ordered_json::array();
    for (std::size_t i = 0; i < DepthStats::buckets; ++i) {
        if (stats.depths.complete[i] == 0) continue;
        json["complete_needed"].push_back(
            {{"bytes", i * 1024}, {"samples", stats.depths.complete[i]}});
    }
    json["would_hold"] = ordered_json::array();
    for (const std::uint32_t size : larger_dumps(stats.dump_bytes)) {
        json["would_hold"].push_back({{"bytes", size}, {"samples", stats.depths.fitting(size)}});
    }
    json["cut_unknown"] = stats.depths.cut_unknown;
    json["advised_bytes"] = cut_stacks(stats) == 0 || stats.dump_bytes == 0
                                ? stats.dump_bytes
                                : advised_dump_bytes(stats);
    return json;
}

// Paths are bytes of somebody else's machine: what is not UTF-8 is replaced, never thrown over.
std::string text_of(const ordered_json& json) {
    return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string stats_json(const FoldStats& stats) { return text_of(all_stats(stats)); }

std::string report_json(const FoldStats& stats) {
    ordered_json json = all_stats(stats);
    const Completeness done = completeness(stats);
    ordered_json& report = json["report"];
    report["stacks"] = done.stacks;
    report["complete"] = done.complete;
    report["complete_percent"] = done.percent();
    report["depth"] = depth_json(stats);
    report["remedies"] = ordered_json::array();
    for (const Remedy& remedy : best_remedies(stats, max_remedies)) {
        report["remedies"].push_back({{"samples", remedy.samples},
                                      {"what", remedy.what},
                                      {"action", remedy.action},
                                      {"command", remedy.command}});
    }
    return text_of(json);
}

}  // namespace fgread
