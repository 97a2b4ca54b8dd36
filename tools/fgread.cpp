// fgread: a perf.data file in, folded stacks out.

#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "collapse/fold.h"
#include "collapse/quality_report.h"
#include "perfdata/mapped_file.h"
#include "tools/command_line.h"
#include "tools/fold_messages.h"
#include "tools/list_events.h"
#include "tools/output_file.h"
#include "tools/output_format.h"
#include "tools/picture_arguments.h"
#include "tools/progress_line.h"
#include "tools/selection_arguments.h"
#include "tools/slice_output.h"
#include "tools/standard_streams.h"
#include "tools/version.h"

namespace {

using namespace fgread;

enum ExitStatus { folded = 0, failed = 1, wrong_usage = 2, damaged_input = 3, incomplete = 4 };

struct Arguments {
    std::string input = "perf.data";
    std::string output;
    std::string compat;
    std::string stitch;
    std::string format;  // empty: by the ending of `output`
    std::string output_directory;
    double slice_seconds = 0;
    tools::SelectionArguments selection;
    bool list_events = false;
    bool off_cpu = false;
    bool wall = false;
    std::string weight = "period";
    std::string names = "plain";
    std::string stats;   // empty, "text" or "json"
    std::string report;  // empty, "text" or "json"
    std::string stats_file;
    std::string strict;                          // percent; empty: not wanted
    std::optional<std::string> debuginfod_urls;  // empty: those of the environment
    std::uint64_t max_memory = 0;                // bytes; 0: no limit
    std::string annotate;                        // empty, or which frames
    bool quiet = false;
    FoldOptions fold;
    tools::PictureArguments picture;
};

constexpr const char* examples =
    "Examples:\n"
    "  perf record -F 999 --call-graph dwarf -- ./program\n"
    "  fgread > out.folded                    fold ./perf.data\n"
    "  fgread -o flame.svg                    draw it (or flame.html)\n"
    "  fgread | flamegraph.pl > flame.svg     draw it with another renderer\n"
    "  perf record --call-graph dwarf -o - ./program | fgread - > out.folded\n"
    "  fgread -o out.folded --stats my.data   and say what became of every stack\n"
    "  fgread --symfs /mnt/target their.data  binaries from a copy of the recorded machine\n"
    "\n"
    "--base, --fold-recursion, --reverse, --max-depth and --compat are for folded, svg and html.\n"
    "\n"
    "Exit status: 0 all was folded; 1 no output could be made; 2 wrong usage; 3 the input was\n"
    "damaged or cut, and what came before the damage was folded; 4 fewer stacks are complete than\n"
    "--strict wants, and all was folded.";

void define_slices(tools::CommandLine& app, Arguments& arguments) {
    tools::Option* directory =
        app.add_option("--output-dir", arguments.output_directory,
                       "Where the slices of --slices or --slice-length go: slice-001.folded,\n"
                       "..., and slices.tsv, the list")
            ->option_text("DIR")
            ->excludes("--output");
    tools::Option* count =
        app.add_option("--slices", arguments.fold.slicing.count,
                       "Cut the time into N slices of equal length, one output each")
            ->range(std::size_t{1}, max_slices)
            ->option_text("N")
            ->needs(directory);
    tools::Option* length = app.add_option("--slice-length", arguments.slice_seconds,
                                           "Cut the time into slices of so many seconds")
                                ->range(1e-6, 1e9)
                                ->option_text("SECONDS")
                                ->needs(directory)
                                ->excludes(count);
    for (tools::Option* option : {count, length}) option->excludes("--list-events");
}
// The headings of --help, and what stands under each; all other options are above them.
const std::vector<std::pair<const char*, std::vector<const char*>>> topics = {
    {"Which samples, and what they weigh",
     {"--event", "--list-events", "--off-cpu", "--wall", "--weight", "--pid", "--tid", "--comm",
      "--cpu", "--time"}},
    {"Stacks",
     {"--group-by", "--call-graph", "--hide-kernel", "--hide-user", "--include", "--exclude",
      "--base", "--fold-recursion", "--reverse", "--max-depth", "--mark-truncated", "--stitch",
      "--guest", "--analyse-code", "--frame-pointers", "--trust-frame-pointers"}},
    {"Names", {"--names", "--inline", "--source", "--annotate", "--addrs", "--compat"}},
    {"Where binaries and names are",
     {"--symfs", "--debug-dir", "--archive", "--debuginfod", "--kallsyms", "--vmlinux",
      "--perf-map-dir"}},
    {"Pictures", {"--title", "--colors", "--inverted"}},
    {"What is missing, and why", {"--stats", "--report", "--strict", "--stats-file"}},
};

void define_options(tools::CommandLine& app, Arguments& arguments) {
    app.use_wide_help();
    app.footer(examples);
    app.set_version_flag(fmt::format("fgread {}", tools::version));
    app.add_option("input", arguments.input,
                   "Recording made by perf record, - for standard input [./perf.data]")
        ->option_text("FILE");
    app.add_option("-o,--output", arguments.output, "Write to FILE instead of standard output")
        ->option_text("FILE");
    app.add_option("-f,--format", arguments.format,
                   tools::output_format_names() + " [by the output's ending, else folded]")
        ->option_text("FORMAT");
    tools::Option* event =
        app.add_option("--event", arguments.fold.event,
                       "Fold the events of these names or globs: a,b [the first that has\n"
                       "samples]")
            ->option_text("NAME");
    tools::Option* off_cpu =
        app.add_flag("--off-cpu", arguments.off_cpu,
                     "Fold the time off CPU: how long threads waited, and where")
            ->option_text(" ");
    tools::Option* wall = app.add_flag("--wall", arguments.wall,
                                       "Fold the time on CPU and off: where the threads' time went")
                              ->option_text(" ");
    off_cpu->excludes(wall)->excludes(event);
    wall->excludes(event);
    app.add_option("--weight", arguments.weight, "What a stack weighs: period or samples [period]")
        ->one_of({"period", "samples"})
        ->option_text("WHAT");
    tools::define_selection(app, arguments.selection);
    app.add_flag("--list-events", arguments.list_events,
                 "List the events and how many samples each has; fold nothing")
        ->option_text(" ");
    define_slices(app, arguments);
    app.add_flag("--hide-kernel", arguments.fold.aggregate.hide_kernel, "Leave out kernel frames");
    app.add_flag("--hide-user", arguments.fold.aggregate.hide_user, "Leave out user frames");
    app.add_option("--include", arguments.fold.filter.include,
                   "Only stacks with a frame that this regular expression (POSIX extended)\n"
                   "matches; may be given again")
        ->allow_extra_args(false)
        ->option_text("REGEX");
    app.add_option("--exclude", arguments.fold.filter.exclude,
                   "No stacks with a frame that this regular expression matches; may be\n"
                   "given again")
        ->allow_extra_args(false)
        ->option_text("REGEX");
    app.add_option("--base", arguments.fold.shape.base,
                   "Begin stacks at the outermost frame of this name, if they have it")
        ->allow_extra_args(false)
        ->option_text("NAME");
    app.add_flag("--fold-recursion", arguments.fold.shape.fold_recursion,
                 "Show a function that calls itself as one frame");
    app.add_flag("-r,--reverse", arguments.fold.shape.reverse,
                 "Turn the stacks round: merge them from their leaves");
    app.add_option("--max-depth", arguments.fold.shape.max_depth,
                   "Keep N frames from the root, it included [all]")
        ->option_text("N");
    app.add_flag("--annotate{all}", arguments.annotate,
                 "Mark frames of the kernel _[k], of a JIT _[j], inlined ones _[i]; only those of "
                 "one kind with --annotate=kernel, jit or inlined")
        ->one_of({"all", "kernel", "jit", "inlined"})
        ->option_text(" ");
    app.add_flag("--mark-truncated", arguments.fold.aggregate.mark_truncated,
                 "Put [truncated] at the root of stacks that the dump cut: their\n"
                 "outermost frames are lost")
        ->option_text(" ");
    app.add_option("--stitch", arguments.stitch,
                   "Complete stacks that the dump, or a full branch stack, cut from other\n"
                   "samples of the thread that are in the same calls: on or off [on; off\n"
                   "with --compat]")
        ->one_of({"on", "off"})
        ->option_text("WORD");
    app.add_flag("--guest", arguments.fold.aggregate.guests,
                 "Take samples of virtual machines' guests, as [guest.kernel] and\n"
                 "[guest.user]; else they are left out and counted")
        ->option_text(" ");
    app.add_flag("--show-lost", arguments.fold.show_lost,
                 "Show what the kernel could not record as [lost]: as many samples of\n"
                 "each event, of their mean weight, whatever is selected")
        ->option_text(" ")
        ->excludes(off_cpu)
        ->excludes(wall)
        ->excludes("--slices")
        ->excludes("--slice-length");
    app.add_flag("--addrs", arguments.fold.naming.addresses,
                 "Show the address of frames that have no name");
    app.add_option("--names", arguments.names,
                   "plain: without parameters; full: with them; short: without template "
                   "arguments either; raw: as in the ELF file [plain]")
        ->one_of({"plain", "full", "short", "raw"})
        ->option_text("STYLE");
    app.add_option("--compat", arguments.compat,
                   "flamegraph: frames and names as perf script --no-inline and "
                   "stackcollapse-perf.pl give them")
        ->one_of({"flamegraph"})
        ->option_text("TOOL");
    app.add_flag("--source", arguments.fold.naming.source,
                 "Add the source file and line to every function");
    app.add_flag("--inline,!--no-inline", arguments.fold.symbols.inlines,
                 "Expand inlined functions [on]");
    app.add_flag("--analyse-code,!--no-analyse-code", arguments.fold.aggregate.limits.analyse_code,
                 "Decode functions without call-frame information to find their frames [on]");
    app.add_flag("--frame-pointers,!--no-frame-pointers",
                 arguments.fold.aggregate.limits.frame_pointers,
                 "Follow frame pointers through code without call-frame information [on]");
    app.add_flag("--trust-frame-pointers", arguments.fold.aggregate.limits.trust_frame_pointers,
                 "Believe frame pointers behind any call: whole stacks of node, some\n"
                 "wrong ones elsewhere");
    app.add_option("--symfs", arguments.fold.symfs,
                   "Look for the recorded binaries under DIR first")
        ->existing_directory()
        ->option_text("DIR");
    app.add_option("--debug-dir", arguments.fold.debug_directories,
                   "Look for debug files under DIR too, before /usr/lib/debug; may be\n"
                   "given again")
        ->existing_directory()
        ->allow_extra_args(false)
        ->option_text("DIR");
    app.add_option("--archive", arguments.fold.archives,
                   "Take binaries from FILE too, made by perf archive; may be given again")
        ->existing_file()
        ->allow_extra_args(false)
        ->option_text("FILE");
    app.add_flag("--debuginfod{}", arguments.debuginfod_urls,
                 "Fetch what is not here (DEBUGINFOD_URLS, or --debuginfod=URLS)")
        ->option_text(" ");
    app.add_option("--kallsyms", arguments.fold.kallsyms,
                   "Kernel names from this copy of /proc/kallsyms")
        ->existing_file()
        ->option_text("FILE");
    app.add_option("--perf-map-dir", arguments.fold.perf_map_directory,
                   "Names of JIT code: look for perf-PID.map and jit-PID.dump in DIR first")
        ->existing_directory()
        ->option_text("DIR");
    app.add_option("--vmlinux", arguments.fold.vmlinux,
                   "Kernel names and inlined functions from this vmlinux [one of the\n"
                   "recorded build-id in /usr/lib/debug or /boot]")
        ->existing_file()
        ->option_text("FILE");
    app.add_option("-j,--jobs", arguments.fold.aggregate.jobs, "Threads [all cores]")
        ->range(0u, 1024u)
        ->option_text("N");
    app.add_option("--max-memory", arguments.max_memory,
                   "Stay below SIZE (200M, 2G): smaller buffers, debug information in half of it; "
                   "fail if that is not enough")
        ->as_size()
        ->option_text("SIZE");
    app.add_flag("--stats{text}", arguments.stats,
                 "Say on stderr what became of every stack; --stats=json for programs")
        ->one_of({"text", "json"})
        ->option_text(" ");
    app.add_flag("--report{text}", arguments.report,
                 "Say on stderr how complete the stacks are, how large a dump would\n"
                 "have been enough, and what to do; --report=json: with the statistics")
        ->one_of({"text", "json"})
        ->option_text(" ");
    app.add_flag("--strict{95}", arguments.strict,
                 "Exit with 4 if less than 95 %, or --strict=PERCENT, of the user stacks\n"
                 "are complete")
        ->range(0.0, 100.0)
        ->option_text(" ");
    app.add_option("--stats-file", arguments.stats_file,
                   "Write the statistics (or what --report says) to FILE, not to stderr")
        ->option_text("FILE");
    app.add_option("--title", arguments.picture.title,
                   "Title of a picture [by its kind: Flame Graph, Icicle Graph ...]")
        ->option_text("TEXT");
    app.add_option("-c,--colors", arguments.picture.colors,
                   "Colours of a picture: " + color_scheme_names() + " [hot]")
        ->option_text("SCHEME");
    app.add_flag("-i,--inverted", arguments.picture.picture.inverted,
                 "Picture with the root on top (icicle graph)");
    app.add_flag("-q,--quiet", arguments.quiet, "No summary, warnings and progress on stderr");
    for (const auto& [topic, names] : topics) {
        for (const char* name : names) app.get_option(name)->group(topic);
    }
}

// Without "..", which stands in no path that is opened.
void make_absolute(std::string& path) {
    std::error_code error;
    const std::filesystem::path found = std::filesystem::canonical(path, error);
    if (!error) path = found.string();
}

FrameMarks marks_of(const std::string& word) {
    const bool all = word == "all";
    return {all || word == "kernel", all || word == "jit", all || word == "inlined"};
}

void finish_options(Arguments& arguments) {
    FoldOptions& fold = arguments.fold;
    fold.weigh_by_samples = arguments.weight == "samples";
    if (arguments.off_cpu) fold.time = TimeKind::off_cpu;
    if (arguments.wall) fold.time = TimeKind::wall;
    fold.symbols.names = name_style(arguments.names).value_or(NameStyle::plain);
    if (arguments.compat == "flamegraph") {
        fold.symbols.names = NameStyle::perf;
        fold.symbols.inlines = false;
        fold.flamegraph_names = true;
    }
    fold.slicing.length_ns =
        static_cast<std::uint64_t>(std::llround(arguments.slice_seconds * 1e9));
    const bool as_others = !arguments.compat.empty();
    fold.aggregate.stitch = arguments.stitch.empty() ? !as_others : arguments.stitch == "on";
    fold.symbols.lines = fold.naming.source;
    fold.naming.marks = marks_of(arguments.annotate);
    fold.max_memory = MemoryLimit(arguments.max_memory);
    fold.naming.jobs = fold.aggregate.jobs;
    fold.aggregate.unknown_addresses = fold.naming.addresses;
    for (std::string& directory : fold.debug_directories) make_absolute(directory);
    for (std::string& archive : fold.archives) make_absolute(archive);
    make_absolute(fold.vmlinux);
    const bool asked = !arguments.stats.empty() || !arguments.report.empty();
    if (!arguments.stats_file.empty() && !asked) arguments.stats = "text";
    if (asked || !arguments.stats.empty()) {
        fold.module_detail = ModuleDetail::always;
    } else if (arguments.quiet) {
        fold.module_detail = ModuleDetail::never;
    }
    fold.aggregate.stack_depths = !arguments.report.empty();
}

void say(const std::string& text) { tools::say("fgread", text); }

bool is_same_file(const std::string& left, const std::string& right) {
    std::error_code error;
    return !left.empty() && std::filesystem::equivalent(left, right, error);
}

// One JSON object, that of the report if it was asked for: it holds the statistics, too.
std::string wanted_stats(const Arguments& arguments, const FoldStats& stats) {
    if (arguments.report == "json") return report_json(stats);
    if (arguments.stats == "json") return stats_json(stats);
    std::string text;
    if (!arguments.stats.empty()) text += stats_text(stats);
    if (!arguments.report.empty()) text += report_text(stats);
    return text;
}

bool report_stats(const Arguments& arguments, const FoldStats& stats) {
    const std::string text = wanted_stats(arguments, stats);
    if (text.empty()) return true;
    if (arguments.stats_file.empty()) {
        std::fwrite(text.data(), 1, text.size(), stderr);
        return true;
    }
    Result<tools::OutputFile> file = tools::OutputFile::create(arguments.stats_file);
    if (!file) {
        say(file.error().message);
        return false;
    }
    file->write(text);
    const Result<void> done = file->commit();
    if (!done) say(done.error().message);
    return done.has_value();
}

// Says so, even if quiet: it is why the exit status is not 0.
bool is_too_poor(const Arguments& arguments, const FoldStats& stats) {
    if (arguments.strict.empty()) return false;
    const Completeness done = completeness(stats);
    if (done.percent() >= std::strtod(arguments.strict.c_str(), nullptr)) return false;
    say(
        fmt::format("{} of {} stacks are complete, {:.2f} %: less than the {} % of --strict; "
                    "--report says what to do",
                    done.complete, done.stacks, done.percent(), arguments.strict));
    return true;
}

// Before any thread is there: sets the environment that libdebuginfod reads.
Result<std::shared_ptr<Debuginfod>> load_debuginfod(const Arguments& arguments) {
    const std::string& urls = *arguments.debuginfod_urls;
    if (!urls.empty()) ::setenv("DEBUGINFOD_URLS", urls.c_str(), 1);
    DebuginfodOptions options;
    if (!arguments.quiet && ::isatty(STDERR_FILENO) == 1) options.progress = tools::show_progress;
    return Debuginfod::load(std::move(options));
}

// Text and JSON would follow one another.
bool mixes_forms(const Arguments& arguments) {
    return !arguments.stats.empty() && !arguments.report.empty() &&
           arguments.stats != arguments.report;
}

// What each of several events contributes to the output.
void say_event_totals(const FoldStats& stats) {
    std::vector<const EventStats*> folded_events;
    for (const EventStats& event : stats.events) {
        if (event.folded && event.samples != 0) folded_events.push_back(&event);
    }
    if (folded_events.size() < 2) return;
    for (const EventStats* event : folded_events) {
        say(fmt::format("event '{}': {} {}, weight {}", escape_control_bytes(event->name),
                        event->samples, event->samples == 1 ? "sample" : "samples", event->period));
    }
}

int list_events(const Arguments& arguments, tools::OutputFile& output) {
    Diagnostics diagnostics;
    const Result<std::string> list = tools::event_list(arguments.input, diagnostics);
    if (!list) {
        say(list.error().message);
        return failed;
    }
    output.write(*list);
    if (output.reader_gone()) return folded;
    const Result<void> committed = output.commit();
    if (!committed) say(committed.error().message);
    if (!committed) return failed;
    return diagnostics.input_damaged() ? damaged_input : folded;
}

// What a picture lacks goes to stderr.
void report_picture(const Arguments& arguments, const Picture& picture) {
    if (arguments.quiet) return;
    if (picture.empty) say("warning: no stack has a weight; the picture says so");
    const std::string note = tools::left_out(picture);
    if (!note.empty()) say(note);
}

// All that is said of a recording whose output is written.
int report(const Arguments& arguments, const FoldStats& stats) {
    if (!arguments.quiet) {
        const std::string hint =
            tools::binaries_hint(arguments.input, !arguments.fold.archives.empty());
        for (const std::string& warning : tools::warnings(stats, hint)) say("warning: " + warning);
        say_event_totals(stats);
        say(tools::summary(stats));
    }
    if (!report_stats(arguments, stats)) return failed;
    const bool poor = is_too_poor(arguments, stats);
    if (stats.diagnostics.input_damaged()) return damaged_input;
    return poor ? incomplete : folded;
}

int run_slices(const Arguments& arguments, tools::OutputFormat format) {
    Result<tools::SliceOutput> output =
        tools::SliceOutput::create(arguments.output_directory, format, arguments.picture.picture);
    if (!output) {
        say(output.error().message);
        return failed;
    }
    const Result<FoldStats> stats =
        fold_recording(arguments.input, arguments.fold,
                       [&](const FoldedProfile& folded) { output->write(folded); });
    const Result<void> committed = stats ? output->commit() : stats.error();
    if (!committed) {
        say(committed.error().message);
        return failed;
    }
    if (!arguments.quiet) {
        say(fmt::format("wrote {} {} to {}", output->count(),
                        output->count() == 1 ? "slice" : "slices", arguments.output_directory));
    }
    return report(arguments, *stats);
}

int run(Arguments& arguments) {
    const Result<tools::OutputFormat> format =
        tools::output_format(arguments.format, arguments.output);
    if (!format) {
        say(format.error().message);
        return wrong_usage;
    }
    if (tools::is_binary(*format) && (arguments.output.empty() || arguments.output == "-") &&
        ::isatty(STDOUT_FILENO) == 1) {
        say("a terminal cannot show this format; give --output FILE");
        return wrong_usage;
    }
    if (const Result<void> good = check_filter(arguments.fold.filter); !good) {
        say(good.error().message);
        return wrong_usage;
    }
    if (tools::has_details(*format)) {
        if (!arguments.fold.shape.empty() || arguments.fold.flamegraph_names) {
            say("--compat, --base, --fold-recursion, --reverse and --max-depth are for folded, svg "
                "and html");
            return wrong_usage;
        }
    }
    tools::fit_to_format(*format, arguments.fold);
    if (arguments.selection.group_by.empty()) {
        arguments.fold.aggregate.group_by = tools::default_grouping(*format);
    }
    if (tools::is_picture(*format)) {
        const Result<void> looks = tools::finish_picture_options(
            arguments.picture,
            tools::graph_title(arguments.fold.time, arguments.picture.picture.inverted));
        if (!looks) {
            say(looks.error().message);
            return wrong_usage;
        }
    }
    for (const std::string& path : {arguments.output, arguments.stats_file}) {
        if (!is_same_file(path, arguments.input)) continue;
        say(path + ": is the recording itself; write to another file");
        return wrong_usage;
    }
    if (arguments.fold.slicing.wanted()) return run_slices(arguments, *format);
    if (!arguments.output_directory.empty()) {
        say("--output-dir is for slices; give --slices N or --slice-length SECONDS");
        return wrong_usage;
    }
    Result<tools::OutputFile> created = tools::OutputFile::create(arguments.output);
    if (!created) {
        say(created.error().message);
        return failed;
    }
    std::optional<tools::OutputFile> output(std::move(*created));
    if (arguments.list_events) return list_events(arguments, *output);
    const TextSink sink = [&](std::string_view text) { return output->write(text); };
    Picture picture;
    tools::ProgressLine progress;
    if (!arguments.quiet && tools::terminal_shows_progress()) {
        arguments.fold.aggregate.progress = progress.observer();
        arguments.fold.naming.progress = progress.observer();
    }
    const ProfileWriter write = [&](const FoldedProfile& folded) {
        progress.erase();
        picture = tools::write_profile(folded, *format, arguments.picture.picture, sink);
    };
    const auto finish = [&](const FoldStats& stats) -> int {
        progress.erase();
        if (output->reader_gone()) return folded;
        const Result<void> committed = output->commit();
        if (!committed) {
            say(committed.error().message);
            return failed;
        }
        if (MappedFile::was_any_lost()) {
            say("a file became shorter while it was read: if it was a binary's, names and frames "
                "of it may be missing or wrong; fold the recording again");
        }
        report_picture(arguments, picture);
        return report(arguments, stats);
    };
    // All is done then: the process gives its memory back at once.
    const auto leave = [&](const FoldStats& stats) {
        const int status = finish(stats);
        output.reset();  // what could not be written leaves nothing behind
        std::exit(status);
    };
    const Result<FoldStats> stats = fold_recording(arguments.input, arguments.fold, write, leave);
    progress.erase();
    say(stats.error().message);
    return failed;
}

}  // namespace

int main(int argc, char** argv) {
    tools::prepare_standard_streams();
    MappedFile::catch_lost_pages();
    Arguments arguments;
    arguments.fold.command.assign(argv, argv + argc);
    tools::CommandLine app("Folds the stacks of a perf.data recording for flame graphs.", "fgread");
    define_options(app, arguments);
    if (const auto end = app.parse(argc, argv)) {
        return *end == tools::CommandLine::End::told ? folded : wrong_usage;
    }
    if (mixes_forms(arguments)) {
        say("--stats and --report: both as text, or both as json");
        return wrong_usage;
    }
    finish_options(arguments);
    if (const auto wrong = tools::finish_selection(arguments.selection, arguments.fold.aggregate)) {
        say(*wrong);
        return wrong_usage;
    }
    if (arguments.debuginfod_urls) {
        Result<std::shared_ptr<Debuginfod>> debuginfod = load_debuginfod(arguments);
        if (!debuginfod) {
            say(debuginfod.error().message);
            return failed;
        }
        arguments.fold.debuginfod = std::move(*debuginfod);
    }
    return run(arguments);
}
