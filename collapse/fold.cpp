#include "collapse/fold.h"

#include <sys/stat.h>

#include <algorithm>
#include <ctime>
#include <set>

#include <fmt/format.h>

#include "collapse/lost_stacks.h"
#include "collapse/rule_sources.h"
#include "collapse/sample_survey.h"
#include "collapse/writers/folded.h"
#include "perfdata/format.h"
#include "perfdata/mapped_file.h"
#include "symbols/binary_archive.h"

namespace fgread {

namespace {

// Modification time of the recording: a binary changed after it is not what was sampled. And its
// owner, whose perf maps are believed.
void describe_file(const std::string& path, ModuleSources& sources) {
    struct stat info {};
    if (stat(path.c_str(), &info) != 0) return;
    sources.recorded_at_ns = static_cast<std::uint64_t>(info.st_mtim.tv_sec) * 1'000'000'000u +
                             static_cast<std::uint64_t>(info.st_mtim.tv_nsec);
    sources.recording_owner = info.st_uid;
}

std::vector<std::vector<std::string>> group_labels(const Profile& profile, const Grouping& by,
                                                   const std::vector<EventAttr>& attrs,
                                                   const ProcessTable& processes) {
    std::vector<std::vector<std::string>> labels;
    for (const Group& group : profile.groups) {
        labels.push_back(group_label(group, by, processes, attrs));
    }
    return labels;
}

std::string known_events(const std::vector<EventAttr>& attrs) {
    std::string names;
    for (const EventAttr& attr : attrs) names += (names.empty() ? "" : ", ") + attr.name;
    return names;
}

Error about(const std::string& path, const Error& error) {
    return Error{error.kind, path + ": " + error.message};
}

Error no_times_to_slice() {
    return Error{ErrorKind::unsupported,
                 "the samples have no times to slice them by; perf record -T records them"};
}

// A wait may begin before the times that are selected and end in them.
void want_timeline(AggregateOptions& selection) {
    selection.timeline = true;
    selection.switches = true;
    selection.filter.times.clear();
}

// Hands the slices to `write`, each as `folded` with the weights of its part of the time.
Result<void> write_slices(const Slicing& slicing, FoldedProfile& folded, Profile& profile,
                          const ProfileWriter& write) {
    const auto slices = cut_slices(profile, folded.weights.events, slicing);
    if (!slices) return slices.error();
    const Timeline whole = profile.timeline;
    for (const TimeSlice& slice : *slices) {
        folded.slice = slice;
        use_slice(profile, whole, slice);
        write(folded);
    }
    profile.timeline = whole;
    weigh(profile, whole);
    return {};
}

// Which events the output is of, and what their samples weigh.
Result<OffCpuResult> choose_weights(const std::string& path, const FoldOptions& options,
                                    const SampleFilter& filter, std::vector<EventAttr>& attrs,
                                    Profile& profile) {
    if (options.time != TimeKind::recorded) {
        Result<OffCpuResult> result = weigh_off_cpu(profile, attrs, options.time, filter);
        if (result) return result;
        return about(path, result.error());
    }
    // With events as roots there is no reason to leave any out.
    const bool all_events =
        options.event.empty() && has(options.aggregate.group_by, GroupBy::event);
    std::vector<bool> events = select_events(attrs, profile, all_events ? "*" : options.event);
    if (!options.event.empty() && std::find(events.begin(), events.end(), true) == events.end()) {
        return Error{ErrorKind::io, fmt::format("{}: no event matches '{}'; the recording has: {}",
                                                path, options.event, known_events(attrs))};
    }
    return OffCpuResult{{}, std::move(events)};
}

// Reads what the archives have of the recording's binaries.
Result<void> add_archives(const std::vector<std::string>& paths, const MappingTable& mappings,
                          ModuleSources& sources, Diagnostics& diagnostics) {
    std::set<BuildId> wanted;
    for (std::uint32_t id = 0; !paths.empty() && id < mappings.image_count(); ++id) {
        const BuildId& build_id = mappings.image({id}).build_id;
        if (!build_id.empty()) wanted.insert(build_id);
    }
    for (const std::string& path : paths) {
        Result<BinaryArchive> archive = BinaryArchive::read(path, wanted, diagnostics);
        if (!archive) return archive.error();
        sources.archives.push_back(std::make_shared<const BinaryArchive>(std::move(*archive)));
    }
    return {};
}

bool all_modules_loaded(const ModuleCache& modules) {
    for (std::uint32_t id = 1; id <= modules.module_count(); ++id) {
        const ModuleState state = modules.info(ModuleId{id}).state;
        const bool named = state == ModuleState::loaded || state == ModuleState::kernel ||
                           state == ModuleState::generated;
        if (!named) return false;
    }
    return true;
}

// Stacks that samples ended in, whatever their event.
std::uint64_t count_stacks(const Profile& profile) {
    std::vector<bool> seen(profile.stacks.size(), false);
    for (const StackWeight& weight : profile.weights) seen[weight.stack] = true;
    return static_cast<std::uint64_t>(std::count(seen.begin(), seen.end(), true));
}

void add_rule_sources(const Profile& profile, const ModuleCache& modules, FoldStats& stats) {
    const auto counts = count_rule_sources(profile, modules);
    const auto of = [&](RuleSource source) { return counts[static_cast<std::size_t>(source)]; };
    stats.debug_frame_frames = of(RuleSource::debug_frame);
    stats.arm_exidx_frames = of(RuleSource::arm_exidx);
    stats.sframe_frames = of(RuleSource::sframe);
}

FoldStats collect_stats(const PerfFile& file, const Scan& scan, const Profile& profile) {
    FoldStats stats;
    stats.file_bytes = file.file_size();
    stats.records = scan.record_count;
    stats.samples = profile.sample_count;
    stats.lost_events = scan.lost.total();
    stats.coverage = scan.coverage;
    stats.guest_samples = profile.guest_samples;
    stats.filtered_samples = profile.filtered_samples;
    stats.processes = scan.processes.process_count();
    stats.frames = profile.frame_count;
    stats.frame_pointer_frames = profile.frame_pointer_frames;
    stats.analysed_frames = profile.analysed_frames;
    stats.chain_frames = profile.chain_frames;
    stats.stitched_frames = profile.stitched_frames;
    stats.longer_samples = profile.longer_samples;
    stats.distinct_frames = profile.frames.size();
    stats.stop_reasons = profile.stop_reasons;
    stats.depths = profile.depths;
    constexpr std::uint64_t any_call_graph =
        format::sample_callchain | format::sample_stack_user | format::sample_branch_stack;
    stats.has_call_graphs =
        std::any_of(file.attrs().begin(), file.attrs().end(),
                    [](const EventAttr& attr) { return (attr.sample_type & any_call_graph) != 0; });
    for (const EventAttr& attr : file.attrs()) {
        const bool copies = (attr.sample_type & format::sample_stack_user) != 0;
        if (copies) stats.dump_bytes = std::max(stats.dump_bytes, attr.sample_stack_user);
    }
    return stats;
}

// Reads the recording once more, as it can be read only once through a PerfFile.
Result<SampleSurvey> survey_again(const PerfFile& file) {
    struct stat info {};
    const bool found = stat(file.path().c_str(), &info) == 0;
    if (!found || (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode))) {
        return Error{ErrorKind::unsupported,
                     fmt::format("{}: a part of its time cannot be taken of a recording that comes "
                                 "through a pipe and has not ended; give seconds, or record into "
                                 "a file",
                                 file.path())};
    }
    Diagnostics told_later;  // what is wrong with it shows again when it is folded
    const Result<PerfFile> again = PerfFile::open(file.path(), told_later);
    if (!again) return again.error();
    Result<Scan> scan = again->scan(told_later);
    if (!scan) return scan.error();
    return survey_samples(*again, *scan, told_later);
}

// That of a limit does not say which file it was.
Error of_file(const std::string& path, Error error) {
    if (error.kind == ErrorKind::limit) error.message = path + ": " + error.message;
    return error;
}

}  // namespace

Result<void> prepare_selection(const PerfFile& file, AggregateOptions& options) {
    const auto all_say = [&](std::uint64_t field) {
        const std::vector<EventAttr>& attrs = file.attrs();
        return std::all_of(attrs.begin(), attrs.end(), [field](const EventAttr& attr) {
            return (attr.sample_type & field) != 0;
        });
    };
    const auto refused = [&](std::string_view why) {
        return Error{ErrorKind::unsupported, fmt::format("{}: {}", file.path(), why)};
    };
    const bool by_cpu = !options.filter.cpus.empty() || has(options.group_by, GroupBy::cpu);
    if (by_cpu && !all_say(format::sample_cpu)) {
        return refused(
            "the samples do not say which CPU they are of; perf record --sample-cpu, "
            "or -a, records that");
    }
    if (has(options.group_by, GroupBy::cgroup) && !all_say(format::sample_cgroup)) {
        return refused(
            "the samples do not say which control group they are of; "
            "perf record --all-cgroups records that");
    }
    if (!options.filter.times.empty() && !all_say(format::sample_time)) {
        return refused("the samples have no times to choose them by; perf record -T records them");
    }
    if (!options.filter.needs_time_bounds()) return {};
    // Zeros: perf record -o - writes the feature before it knows.
    if (const auto& known = file.features().sample_time;
        known && known->second != 0 && known->second < format::off_cpu_first_time) {
        options.filter.resolve_times(known->first, known->second);
        return {};
    }
    const Result<SampleSurvey> survey = survey_again(file);
    if (!survey) return survey.error();
    if (survey->times) options.filter.resolve_times(survey->times->first, survey->times->last);
    return {};
}

bool has_monotonic_clock(const PerfFile& file) {
    const std::vector<EventAttr>& attrs = file.attrs();
    return file.has_times() && std::all_of(attrs.begin(), attrs.end(), [](const EventAttr& attr) {
               return attr.has_flag(format::attr_use_clockid) && attr.clockid == CLOCK_MONOTONIC;
           });
}

ModuleSources module_sources(const PerfFile& file, const std::string& symfs,
                             const std::string& kallsyms) {
    ModuleSources sources;
    sources.symfs = symfs;
    sources.kallsyms = kallsyms;
    sources.hostname = file.features().hostname;
    sources.os_release = file.features().os_release;
    sources.arch = file.features().arch;
    describe_file(file.path(), sources);
    return sources;
}

Result<FoldStats> fold_recording(const std::string& path, const FoldOptions& options,
                                 const ProfileWriter& write, const FoldEnd& end) {
    Diagnostics diagnostics;
    Result<PerfFile> file = PerfFile::open(path, diagnostics);
    if (!file) return file.error();
    if (options.max_memory) file->limit_read_ahead(options.max_memory.bytes());
    const unsigned threads = wanted_threads(options.aggregate.jobs);
    Result<Scan> scan = file->scan(diagnostics, threads);
    if (!scan) return scan.error();

    ModuleSources sources = module_sources(*file, options.symfs, options.kallsyms);
    sources.debug_directories = options.debug_directories;
    sources.source_lines = options.symbols.lines;
    sources.debuginfod = options.debuginfod;
    const Result<void> read =
        add_archives(options.archives, scan->processes.mappings(), sources, diagnostics);
    if (!read) return read.error();
    sources.perf_map_directory = options.perf_map_directory;
    sources.vmlinux = options.vmlinux;
    ModuleCache modules(scan->processes.mappings(), std::move(sources));
    modules.use_processes(scan->processes, has_monotonic_clock(*file));
    AggregateOptions selection = options.aggregate;
    selection.max_memory = options.max_memory;
    if (options.max_memory) selection.max_worker_tables = options.max_memory.for_worker_tables();
    const Result<void> prepared = prepare_selection(*file, selection);
    if (!prepared) return prepared.error();
    const SampleFilter filter = selection.filter;
    if (options.time != TimeKind::recorded) want_timeline(selection);
    if (options.slicing.wanted()) {
        if (!file->has_times()) return about(path, no_times_to_slice());
        selection.timeline = true;
    }
    Result<Profile> profile = aggregate(*file, *scan, modules, selection, diagnostics);
    if (!profile) return of_file(path, profile.error());
    // Names need other parts of the binaries than walking: of a mix of compilers 24 of 36 MB that
    // were mapped are not needed any more.
    MappedFile::release_all();
    std::vector<EventAttr> attrs = file->attrs();
    Result<OffCpuResult> chosen = choose_weights(path, options, filter, attrs, *profile);
    if (!chosen) return chosen.error();
    std::vector<bool>& events = chosen->events;
    const bool none = std::find(events.begin(), events.end(), true) == events.end();
    for (std::size_t i = 0; none && options.show_lost && i < events.size(); ++i) {
        events[i] = scan->lost.of_event(i) != 0;
    }

    SymbolizerOptions symbols = options.symbols;
    if (options.max_memory) symbols.max_debug_info = options.max_memory.for_debug_info();
    Symbolizer symbolizer(modules, symbols);
    NamingOptions naming = options.naming;
    naming.max_memory = options.max_memory;
    FrameNames names = name_frames(profile->frames, symbolizer, naming);
    if (names.failure()) return of_file(path, *names.failure());
    std::vector<std::vector<std::string>> labels =
        group_labels(*profile, selection.group_by, attrs, scan->processes);
    const std::uint64_t distinct_stacks = count_stacks(*profile);
    if (options.show_lost) {
        add_lost_stacks(scan->lost, attrs, selection.group_by, *profile, labels);
    }
    Profile filtered;  // the statistics are of all stacks
    if (!options.filter.empty()) {
        filtered = *profile;
        filter_stacks(filtered, names, labels, options.filter);
    }
    Profile& shown = options.filter.empty() ? *profile : filtered;
    const WeightChoice weights{events, options.weigh_by_samples};
    FoldedProfile folded{
        attrs,         scan->processes,          modules, shown,  names, std::move(labels), weights,
        options.shape, options.flamegraph_names, {},      threads};
    if (options.slicing.wanted()) {
        const Result<void> written = write_slices(options.slicing, folded, shown, write);
        if (!written) return about(path, written.error());
    } else {
        write(folded);
    }

    FoldStats stats = collect_stats(*file, *scan, *profile);
    stats.distinct_stacks = distinct_stacks;
    for (std::size_t i = 0; i < events.size(); ++i) {
        const EventTotal& total = profile->events[i];
        stats.events.push_back(
            {attrs[i].name, total.samples, total.period, events[i], scan->lost.of_event(i)});
    }
    stats.off_cpu = chosen->stats;
    stats.commands = {options.command, file->features().command_line};
    if (stats.commands.fold.empty()) stats.commands.fold = {"fgread", path};
    const bool all_details = options.module_detail == ModuleDetail::always;
    const bool missing = options.module_detail == ModuleDetail::where_missing &&
                         (names.any_unnamed() || !all_modules_loaded(modules));
    if (all_details || missing) {
        add_module_stats(*profile, names, modules, options.symbols.inlines && all_details, stats);
    }
    if (all_details) add_rule_sources(*profile, modules, stats);
    diagnostics.merge(modules.diagnostics());
    diagnostics.merge(symbolizer.diagnostics());
    if (options.debuginfod) diagnostics.merge(options.debuginfod->diagnostics());
    stats.diagnostics = std::move(diagnostics);
    if (end) end(stats);
    return stats;
}

Result<FoldStats> fold_recording(const std::string& path, const FoldOptions& options,
                                 const TextSink& sink) {
    const ProfileWriter write = [&](const FoldedProfile& folded) { write_folded(folded, sink); };
    return fold_recording(path, options, write);
}

}  // namespace fgread
