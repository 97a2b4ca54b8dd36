// fgrender: folded stacks in, a flame graph out.

#include <fmt/format.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "perfdata/mapped_file.h"
#include "render/folded_reader.h"
#include "render/html_writer.h"
#include "render/svg_writer.h"
#include "tools/command_line.h"
#include "tools/output_file.h"
#include "tools/picture_arguments.h"
#include "tools/stack_input.h"
#include "tools/standard_streams.h"
#include "tools/version.h"

namespace {

using namespace fgread;

enum ExitStatus { drawn = 0, failed = 1, wrong_usage = 2 };

constexpr const char* tool = "fgrender";

struct Arguments {
    std::vector<std::string> inputs;
    std::string output;
    std::string format;
    bool reverse = false;
    bool flame_chart = false;
    bool quiet = false;
    FoldOptions fold;  // of recordings
    tools::PictureArguments picture;
};

constexpr const char* footer =
    "The input is folded text, a line for each stack: frames from the root to the leaf, joined by\n"
    "';', a blank and a count. With two counts a line (fgdiff, difffolded.pl) the picture shows "
    "the\n"
    "second, coloured by what changed: red for more, blue for less. A perf.data file is folded "
    "first,\n"
    "as fgread does by default. Several inputs are added up.\n"
    "\n"
    "In a browser: point at a frame for its figures, click to zoom, click the root or press Escape "
    "to\n"
    "return; Ctrl-F, F3 or / searches (a regular expression; capital letters make it "
    "case-sensitive);\n"
    "arrow keys walk, Enter zooms. The address (#...) always links to what is shown.\n"
    "\n"
    "Examples:\n"
    "  fgread | fgrender > flame.svg                    draw ./perf.data\n"
    "  fgrender -o flame.html out.folded                a page with a table of functions\n"
    "  fgrender --inverted --reverse -o callers.svg out.folded\n"
    "                                                   who calls the hottest functions\n"
    "  fgrender --colors module --minwidth 0.5 out.folded > flame.svg\n"
    "\n"
    "Exit status: 0 a picture was drawn; 1 there was no valid input (a picture of text says so), "
    "or\n"
    "no output could be made; 2 wrong usage.";

void define_options(tools::CommandLine& app, Arguments& arguments) {
    app.use_wide_help();
    app.footer(footer);
    app.set_version_flag(fmt::format("{} {}", tool, tools::version));
    app.add_option("input", arguments.inputs, "Folded stacks or recordings [standard input]")
        ->option_text("FILE...");
    app.add_option("-o,--output", arguments.output, "Write to FILE instead of standard output")
        ->option_text("FILE");
    app.add_option("-f,--format", arguments.format,
                   "svg or html [by the ending of the output, else svg]")
        ->one_of({"svg", "html"})
        ->option_text("FORMAT");
    app.add_flag("-r,--reverse", arguments.reverse,
                 "Turn the stacks round: merge them from their leaves");
    app.add_flag("--flamechart", arguments.flame_chart,
                 "Keep the order of the input as time; merge neighbours only");
    app.add_flag("-q,--quiet", arguments.quiet, "No notes on stderr");
    tools::add_recording_options(app, arguments.fold);
    tools::add_picture_options(app, arguments.picture);
    tools::add_comparison_options(app, arguments.picture);
}

void say(const std::string& text) { tools::say(tool, text); }

// By the option, else by the output's ending; empty if that is none we know.
std::string format_of(const Arguments& arguments) {
    if (!arguments.format.empty()) return arguments.format;
    if (arguments.output.empty() || arguments.output == "-") return "svg";
    const std::string ending = tools::ending_of(arguments.output);
    if (ending == "html" || ending == "htm") return "html";
    if (ending == "svg" || arguments.output.starts_with("/dev/")) return "svg";
    return "";
}

std::string title_for(const Arguments& arguments) {
    if (arguments.flame_chart) return "Flame Chart";
    return arguments.picture.picture.inverted ? "Icicle Graph" : "Flame Graph";
}

Result<FrameTree> read_inputs(Arguments& arguments) {
    FrameTree tree(arguments.flame_chart);
    FoldedOptions options;
    options.chain_graph = arguments.picture.picture.scheme == ColorScheme::chain;
    std::vector<tools::StackInput> inputs;
    for (const std::string& path : arguments.inputs) {
        const Result<tools::StackInput> input =
            tools::read_stacks(tool, path, options, arguments.fold, tree);
        if (!input) return input.error();
        if (!arguments.quiet) tools::say_invalid_lines(tool, path, *input);
        inputs.push_back(*input);
    }
    tools::name_counts(inputs, arguments.picture.picture);
    return arguments.reverse ? reversed(tree) : std::move(tree);
}

int draw(Arguments& arguments, const std::string& format) {
    const Result<FrameTree> tree = read_inputs(arguments);
    if (!tree) {
        say(tree.error().message);
        return failed;
    }
    Result<tools::OutputFile> output = tools::OutputFile::create(arguments.output);
    if (!output) {
        say(output.error().message);
        return failed;
    }
    const TextSink sink = [&](std::string_view text) { return output->write(text); };
    const PictureOptions& options = arguments.picture.picture;
    const Picture picture =
        format == "html" ? write_html(*tree, options, sink) : write_svg(*tree, options, sink);
    if (output->reader_gone()) return drawn;
    const Result<void> committed = output->commit();
    if (!committed) {
        say(committed.error().message);
        return failed;
    }
    if (picture.empty) {
        say("there is no valid input: no stack with a count was found");
        return failed;
    }
    const std::string note = tools::left_out(picture);
    if (!note.empty() && !arguments.quiet) say(note);
    const Result<void> saved = tools::save_palette(arguments.picture);
    if (!saved) say(saved.error().message);
    return saved ? drawn : failed;
}

int run(Arguments& arguments) {
    const std::string format = format_of(arguments);
    if (format.empty()) {
        say(arguments.output + ": its ending says neither svg nor html; give --format");
        return wrong_usage;
    }
    if (arguments.reverse && arguments.flame_chart) {
        say("--flamechart shows time, which --reverse has none of; give one of them");
        return wrong_usage;
    }
    const Result<void> good =
        tools::finish_picture_options(arguments.picture, title_for(arguments));
    if (!good) {
        say(good.error().message);
        return good.error().kind == ErrorKind::io ? failed : wrong_usage;
    }
    if (arguments.inputs.empty()) {
        if (isatty(STDIN_FILENO) != 0) {
            say("there is no input; give a FILE, or pipe folded stacks in: fgread | fgrender");
            return wrong_usage;
        }
        arguments.inputs.emplace_back("-");
    }
    return draw(arguments, format);
}

}  // namespace

int main(int argc, char** argv) {
    tools::prepare_standard_streams();
    MappedFile::catch_lost_pages();
    Arguments arguments;
    tools::CommandLine app("Draws folded stacks as an interactive flame graph.", tool);
    define_options(app, arguments);
    if (const auto end = app.parse(argc, argv)) {
        return *end == tools::CommandLine::End::told ? drawn : wrong_usage;
    }
    arguments.picture.picture.counts_are_named = tools::names_counts(app);
    return run(arguments);
}
