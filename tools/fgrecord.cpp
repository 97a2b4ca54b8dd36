// fgrecord: a command in, the flame graph of what it did out.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "perfdata/mapped_file.h"
#include "tools/cargo_build.h"
#include "tools/command_line.h"
#include "tools/output_format.h"
#include "tools/picture_arguments.h"
#include "tools/record_session.h"
#include "tools/standard_streams.h"
#include "tools/version.h"

namespace {

using namespace fgread;

enum ExitStatus { recorded = 0, failed = 1, wrong_usage = 2 };

struct Arguments {
    tools::RecordSession session;
    std::string format;
    double duration = 0;  // seconds
    bool off_cpu = false, wall = false;
    tools::PictureArguments picture;
    tools::CargoTarget cargo;
    bool release = false;                   // the default, for those used to say it
    std::string bin, example, test, bench;  // what cargo.kind and cargo.name are made of
};

constexpr const char* usage =
    "Usage: fgrecord [OPTIONS] [--] COMMAND...\n"
    "       fgrecord [OPTIONS] -p PID\n"
    "       fgrecord [OPTIONS] -a\n";

constexpr const char* cargo_usage =
    "Usage: cargo fgrecord [OPTIONS] [-- ARGUMENTS OF THE PROGRAM...]\n";

constexpr const char* footer =
    "What follows the options, or --, is the command. Ctrl-C ends the recording; the "
    "flame\n"
    "graph is drawn of what was recorded until then.\n"
    "\n"
    "Examples:\n"
    "  fgrecord ./program --its --options         flamegraph.svg\n"
    "  fgrecord -o flame.html -- ./program        a page with a table of functions\n"
    "  fgrecord -o out.speedscope.json ./program  any of fgread's formats\n"
    "  fgrecord -o - -f folded -q ./program       folded stacks on standard output\n"
    "  fgrecord -p 4711 -d 10                     a running process, for ten seconds\n"
    "  fgrecord -a -d 10                          the whole machine\n"
    "  fgrecord --off-cpu ./program               what it waits for, and how long\n"
    "  cargo fgrecord --bin server -- --port 80   build it and record it: cargo fgrecord --help\n"
    "\n"
    "Exit status: 0 the output was written, whatever became of the command (stderr says that);\n"
    "1 nothing could be recorded or written; 2 wrong usage.";

constexpr const char* cargo_footer =
    "It builds the release profile with debug information and without stripping, by environment\n"
    "variables (CARGO_PROFILE_RELEASE_DEBUG=1, ..._STRIP=none; yours count if they are set; with\n"
    "--profile NAME those of that profile); Cargo.toml stays as it is. Frame pointers are not\n"
    "needed. Tests and benchmarks run in their package's directory, as cargo runs them.\n"
    "\n"
    "Examples:\n"
    "  cargo fgrecord                             the package's program; flamegraph.svg\n"
    "  cargo fgrecord --bin server -- --port 80\n"
    "  cargo fgrecord --example parse -o parse.html\n"
    "  cargo fgrecord --test speed -- big_input   the test big_input of tests/speed.rs\n"
    "  cargo fgrecord --bench sorting -d 20\n"
    "\n"
    "Exit status: 0 the output was written, whatever became of the program (stderr says that);\n"
    "1 nothing could be built, recorded or written; 2 wrong usage.";

void define_recording(tools::CommandLine& app, Arguments& arguments) {
    tools::RecordSession& session = arguments.session;
    tools::RecordPlan& plan = session.plan;
    const auto add = [](tools::Option* option, const char* text) {
        return option->option_text(text)->group("Recording");
    };
    add(app.add_option("-d,--duration", arguments.duration,
                       "Stop after so many seconds [at the end of the command, or Ctrl-C]")
            ->range(0.001, 1e9),
        "SECONDS");
    tools::Option* event =
        app.add_option("-e,--event", plan.event,
                       "What perf samples [cycles; cpu-clock where there is no such counter]");
    add(event, "EVENT");
    tools::Option* off_cpu =
        app.add_flag("--off-cpu", arguments.off_cpu,
                     "Record the time off CPU: how long threads wait, and where")
            ->option_text(" ")
            ->group("Recording");
    tools::Option* wall = app.add_flag("--wall", arguments.wall,
                                       "Record the time on CPU and off: where the threads' time\n"
                                       "goes")
                              ->option_text(" ")
                              ->group("Recording");
    off_cpu->excludes(wall)->excludes(event);
    wall->excludes(event);
    add(app.add_option("-F,--frequency,--freq", plan.frequency, "Samples a second [997]")
            ->range(1u, 1'000'000u),
        "N");
    add(app.add_option("--stack-size", plan.stack_size,
                       "Bytes copied of each stack: more for deep ones, to 65528 [16384]")
            ->range(8u, tools::max_stack_size),
        "BYTES");
    add(app.add_option("-m,--mmap-pages", plan.mmap_pages,
                       "Size of perf's buffers, as perf record -m takes it: 16M"),
        "SIZE");
    app.add_flag("--keep{perf.data}", session.keep,
                 "Keep the recording as perf.data; --keep=FILE: as FILE [it is removed]")
        ->option_text(" ")
        ->group("Recording");
    add(app.add_option("--perf", plan.perf, "The perf to run [perf]"), "FILE");
}

void define_output(tools::CommandLine& app, Arguments& arguments) {
    tools::RecordSession& session = arguments.session;
    app.add_option("-o,--output", session.output,
                   "Write to FILE; - is standard output [flamegraph.svg; of a --format that "
                   "is no picture stacks.folded and the like]")
        ->option_text("FILE");
    app.add_option("-f,--format", arguments.format,
                   tools::output_format_names() + " [by the ending of the output]")
        ->option_text("FORMAT");
    app.add_flag("--open", session.open, "Show the output when it is written (xdg-open)");
    app.add_flag("-r,--reverse", session.fold.shape.reverse,
                 "Turn the stacks round: merge them from their leaves (folded, svg, html)");
    app.add_flag("--hide-kernel", session.fold.aggregate.hide_kernel, "Leave out kernel frames");
    app.add_flag("--no-inline{false}", session.fold.symbols.inlines,
                 "One frame per call, without inlined functions");
    app.add_flag("-q,--quiet", session.quiet, "Nothing on stderr but failures");
}

void say(const Arguments& arguments, const std::string& text) {
    tools::say(arguments.session.tool, text);
}

// Without --output: the picture, or what another format is called.
std::string default_output(const std::string& format) {
    const Result<tools::OutputFormat> known = tools::output_format(format, "");
    if (format.empty() || !known) return "flamegraph.svg";
    return (tools::is_picture(*known) ? "flamegraph" : "stacks") +
           std::string(tools::format_ending(*known));
}

// Empty if what was given fits together.
std::string contradiction(const tools::RecordPlan& plan) {
    const int subjects =
        (plan.command.empty() ? 0 : 1) + (plan.pids.empty() ? 0 : 1) + (plan.all_cpus ? 1 : 0);
    if (subjects == 0) {
        return "what is to be recorded? fgrecord ./program, fgrecord -p PID, or fgrecord -a; see "
               "--help";
    }
    if (subjects > 1) return "a command, --pid and --all-cpus exclude each other; give one of them";
    if (!plan.command.empty() && plan.command.front().starts_with('-')) {
        return plan.command.front() + ": there is no such option; see --help";
    }
    if (plan.pids.find_first_not_of("0123456789,") != std::string::npos ||
        plan.pids.starts_with(',') || plan.pids.ends_with(',')) {
        return "--pid: \"" + plan.pids + "\" is not a process number, nor several joined by commas";
    }
    return {};
}

// Checks and completes all but the subject; `recorded` if there is nothing to complain of.
ExitStatus prepare(Arguments& arguments) {
    tools::RecordSession& session = arguments.session;
    if (session.output.empty()) session.output = default_output(arguments.format);
    const Result<tools::OutputFormat> format =
        tools::output_format(arguments.format, session.output);
    if (!format) {
        say(arguments, format.error().message);
        return wrong_usage;
    }
    if (session.fold.shape.reverse && tools::has_details(*format)) {
        say(arguments, "--reverse is for folded, svg and html");
        return wrong_usage;
    }
    if (session.open && session.output == "-") {
        say(arguments, "--open wants a file; give --output FILE");
        return wrong_usage;
    }
    session.format = *format;
    tools::fit_to_format(*format, session.fold);
    session.fold.aggregate.group_by = tools::default_grouping(*format);
    session.duration =
        std::chrono::milliseconds(std::llround(std::ceil(arguments.duration * 1000)));
    if (arguments.off_cpu) session.plan.time = TimeKind::off_cpu;
    if (arguments.wall) session.plan.time = TimeKind::wall;
    const Result<void> good = tools::finish_picture_options(
        arguments.picture,
        tools::graph_title(session.plan.time, arguments.picture.picture.inverted));
    if (!good) {
        say(arguments, good.error().message);
        return good.error().kind == ErrorKind::io ? failed : wrong_usage;
    }
    session.picture = arguments.picture.picture;
    return recorded;
}

ExitStatus record(const Arguments& arguments) {
    if (!tools::record_and_write(arguments.session)) return failed;
    const Result<void> saved = tools::save_palette(arguments.picture);
    if (!saved) say(arguments, saved.error().message);
    return saved ? recorded : failed;
}

// Moves what follows "--" to `command`; CLI11 would read its options as ours. False if there is
// none.
bool take_command(std::vector<std::string>& words, std::vector<std::string>& command) {
    const auto separator = std::find(words.begin(), words.end(), "--");
    if (separator == words.end()) return false;
    command.assign(separator + 1, words.end());
    words.erase(separator, words.end());
    return true;
}

int run_fgrecord(std::vector<std::string> words) {
    Arguments arguments;
    tools::RecordPlan& plan = arguments.session.plan;
    tools::CommandLine app(
        "Records what a command does, with perf, and draws the flame graph of it.", "fgrecord");
    app.use_wide_help(usage);
    app.footer(footer);
    app.set_version_flag(fmt::format("fgrecord {}", tools::version));
    app.prefix_command();
    app.add_option("-p,--pid", plan.pids, "Record this process, or several: 12,13")
        ->option_text("PID");
    app.add_flag("-a,--all-cpus", plan.all_cpus, "Record the whole machine");
    define_output(app, arguments);
    define_recording(app, arguments);
    tools::add_picture_options(app, arguments.picture);
    const bool separated = take_command(words, plan.command);
    if (const auto end = app.parse(words)) {
        return *end == tools::CommandLine::End::told ? recorded : wrong_usage;
    }
    arguments.picture.picture.counts_are_named = tools::names_counts(app);
    std::vector<std::string> rest = app.remaining();
    if (!rest.empty()) {
        // "fgrecord ./program -- x": that "--" is the program's.
        if (separated) rest.emplace_back("--");
        plan.command.insert(plan.command.begin(), rest.begin(), rest.end());
    }
    const std::string problem = contradiction(plan);
    if (!problem.empty()) {
        say(arguments, problem);
        return wrong_usage;
    }
    if (const int status = prepare(arguments); status != recorded) return status;
    return record(arguments);
}

void define_cargo(tools::CommandLine& app, Arguments& arguments) {
    tools::CargoTarget& cargo = arguments.cargo;
    const auto add = [&](const char* name, std::string& value, const char* help,
                         const char* text = "NAME") {
        return app.add_option(name, value, help)->option_text(text)->group("Cargo");
    };
    add("--bin", arguments.bin,
        "Build and record this program [the package's, or its default-run]");
    tools::Option* example = add("--example", arguments.example, "Build and record this example");
    tools::Option* test = add("--test", arguments.test, "Build and record this integration test");
    tools::Option* bench = add("--bench", arguments.bench, "Build and record this benchmark");
    for (tools::Option* option : {example, test, bench}) {
        for (tools::Option* other : {app.get_option("--bin"), example, test, bench}) {
            if (other != option) option->excludes(other);
        }
    }
    tools::Option* profile = add("--profile", cargo.profile, "Build with this profile [release]");
    tools::Option* dev =
        app.add_flag("--dev", cargo.dev, "Build with the dev profile, without optimization")
            ->excludes(profile)
            ->option_text(" ")
            ->group("Cargo");
    app.add_flag("--release", arguments.release, "Build with the release profile, as by default")
        ->excludes(dev)
        ->excludes(profile)
        ->option_text(" ")
        ->group("Cargo");
    app.add_option("--features", cargo.features, "Features to activate, joined by commas")
        ->allow_extra_args(false)
        ->option_text("NAMES")
        ->group("Cargo");
    app.add_flag("--all-features", cargo.all_features, "Activate all features")->group("Cargo");
    app.add_flag("--no-default-features", cargo.no_default_features,
                 "Do not activate the default feature")
        ->group("Cargo");
    add("-p,--package", cargo.package, "The package of the workspace");
    add("--manifest-path", cargo.manifest_path, "Path of Cargo.toml", "FILE");
}

void choose_cargo_target(Arguments& arguments) {
    tools::CargoTarget& cargo = arguments.cargo;
    for (const auto& [kind, name] : {std::pair{"bin", arguments.bin},
                                     {"example", arguments.example},
                                     {"test", arguments.test},
                                     {"bench", arguments.bench}}) {
        if (name.empty()) continue;
        cargo.kind = kind;
        cargo.name = name;
    }
    cargo.quiet = arguments.session.quiet;
}

// Puts the program in front of its arguments, and gives it what cargo run, test and bench would.
void use_program(const tools::CargoProgram& program, tools::RecordSession& session) {
    std::vector<std::string>& command = session.plan.command;
    // libtest and criterion measure with it, and only test without.
    if (program.kind == "bench") command.insert(command.begin(), "--bench");
    command.insert(command.begin(), program.path);
    session.environment.emplace_back("CARGO_MANIFEST_DIR", program.package_directory);
    const bool in_package = program.kind == "bench" || program.kind == "test";
    if (in_package) session.directory = program.package_directory;
}

int run_cargo_fgrecord(std::vector<std::string> words) {
    Arguments arguments;
    tools::RecordSession& session = arguments.session;
    session.tool = "cargo fgrecord";
    tools::CommandLine app(
        "Builds a program of this Cargo package with debug information, records it with perf, and\n"
        "draws the flame graph of it.",
        "cargo fgrecord");
    app.use_wide_help(cargo_usage);
    app.footer(cargo_footer);
    app.set_version_flag(fmt::format("cargo-fgrecord {}", tools::version));
    define_output(app, arguments);
    define_cargo(app, arguments);
    define_recording(app, arguments);
    tools::add_picture_options(app, arguments.picture);
    take_command(words, session.plan.command);
    if (const auto end = app.parse(words)) {
        return *end == tools::CommandLine::End::told ? recorded : wrong_usage;
    }
    arguments.picture.picture.counts_are_named = tools::names_counts(app);
    choose_cargo_target(arguments);
    if (const int status = prepare(arguments); status != recorded) return status;
    const Result<tools::CargoProgram> program = tools::build_with_cargo(arguments.cargo);
    if (!program) {
        say(arguments, program.error().message);
        return failed;
    }
    use_program(*program, session);
    return record(arguments);
}

}  // namespace

int main(int argc, char** argv) {
    tools::prepare_standard_streams();
    MappedFile::catch_lost_pages();
    std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
    const std::string name = argc > 0 ? std::filesystem::path(argv[0]).filename().string() : "";
    if (name != "cargo-fgrecord") return run_fgrecord(std::move(words));
    // cargo gives its subcommand's name as the first argument.
    if (!words.empty() && words.front() == "fgrecord") words.erase(words.begin());
    return run_cargo_fgrecord(std::move(words));
}
