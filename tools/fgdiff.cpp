// fgdiff: two profiles in, what differs between them out.

#include <fmt/format.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "perfdata/mapped_file.h"
#include "render/diff.h"
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

enum ExitStatus { compared = 0, failed = 1, wrong_usage = 2 };

constexpr const char* tool = "fgdiff";

struct Arguments {
    std::string before;
    std::string after;
    std::string output;
    std::string format;
    std::size_t rows = 10;
    bool normalize = false;
    bool strip_hex = false;
    bool reverse = false;
    bool quiet = false;
    FoldOptions fold;  // of recordings
    tools::PictureArguments picture;
};

constexpr const char* footer =
    "BEFORE and AFTER are folded stacks or perf.data files (folded as fgread does by default);\n"
    "one of them may be - for standard input.\n"
    "\n"
    "Formats:\n"
    "  folded  lines \"stack before after\", as difffolded.pl writes and flamegraph.pl and "
    "fgrender\n"
    "          take them; the endings .folded and .txt\n"
    "  svg     a flame graph of AFTER, red where it gained, blue where it lost; the ending .svg\n"
    "  html    the same as a page with a table of functions; the ending .html\n"
    "  table   the functions that gained and lost most, by themselves and with all they call\n"
    "\n"
    "A picture shows what is in AFTER: what has vanished has no width there. Swap the two files "
    "and\n"
    "add --negate to see it, in the same colours.\n"
    "\n"
    "Examples:\n"
    "  fgdiff -f table before.folded after.folded\n"
    "  fgdiff -n -o diff.svg before.data after.data     two recordings of different length\n"
    "  fgdiff before.folded after.folded | flamegraph.pl > diff.svg\n"
    "\n"
    "Exit status: 0 compared; 1 there was no valid input, or no output could be made; 2 wrong "
    "usage.";

void define_options(tools::CommandLine& app, Arguments& arguments) {
    app.use_wide_help();
    app.footer(footer);
    app.set_version_flag(fmt::format("{} {}", tool, tools::version));
    app.add_option("before", arguments.before, "The first profile")
        ->required()
        ->option_text("BEFORE");
    app.add_option("after", arguments.after, "The second profile")
        ->required()
        ->option_text("AFTER");
    app.add_option("-o,--output", arguments.output, "Write to FILE instead of standard output")
        ->option_text("FILE");
    app.add_option("-f,--format", arguments.format,
                   "folded, svg, html or table [by the ending of the output, else folded]")
        ->one_of({"folded", "svg", "html", "table"})
        ->option_text("FORMAT");
    app.add_flag("-n,--normalize", arguments.normalize,
                 "Scale BEFORE so that both have the same sum");
    app.add_flag("-s,--strip-hex", arguments.strip_hex,
                 "Write 0x... for addresses in names, so that they compare equal");
    app.add_option("--top", arguments.rows, "Rows of each part of the table [10]")
        ->range(1u, 1'000'000u)
        ->option_text("N");
    app.add_flag("-r,--reverse", arguments.reverse,
                 "Turn the stacks round: merge them from their leaves");
    app.add_flag("-q,--quiet", arguments.quiet, "No notes on stderr");
    tools::add_recording_options(app, arguments.fold);
    tools::add_picture_options(app, arguments.picture);
    tools::add_comparison_options(app, arguments.picture);
}

void say(const std::string& text) { tools::say(tool, text); }

std::string format_of(const Arguments& arguments) {
    if (!arguments.format.empty()) return arguments.format;
    if (arguments.output.empty() || arguments.output == "-") return "folded";
    const std::string ending = tools::ending_of(arguments.output);
    if (ending == "folded" || ending == "txt") return "folded";
    if (ending == "html" || ending == "htm") return "html";
    if (ending == "svg") return "svg";
    return arguments.output.starts_with("/dev/") ? "folded" : "";
}

Result<FrameTree> read_inputs(Arguments& arguments) {
    FrameTree tree;
    tree.set_differential();
    FoldedOptions options;
    options.two_columns = false;
    options.strip_hex = arguments.strip_hex;
    std::vector<tools::StackInput> inputs;
    for (const Side side : {Side::before, Side::after}) {
        options.side = side;
        const std::string& path = side == Side::before ? arguments.before : arguments.after;
        const Result<tools::StackInput> input =
            tools::read_stacks(tool, path, options, arguments.fold, tree);
        if (!input) return input.error();
        inputs.push_back(*input);
        if (arguments.quiet) continue;
        tools::say_invalid_lines(tool, path, *input);
        if (input->valid_lines == 0) say(path + ": has no stacks");
    }
    tools::name_counts(inputs, arguments.picture.picture);
    if (arguments.normalize) normalize(tree);
    return arguments.reverse ? reversed(tree) : std::move(tree);
}

// False if there was nothing to write.
bool write(const FrameTree& tree, const Arguments& arguments, const std::string& format,
           const TextSink& sink) {
    const PictureOptions& options = arguments.picture.picture;
    if (format == "svg" || format == "html") {
        const Picture picture =
            format == "svg" ? write_svg(tree, options, sink) : write_html(tree, options, sink);
        const std::string note = tools::left_out(picture);
        if (!note.empty() && !arguments.quiet) say(note);
        return !picture.empty;
    }
    if (tree.size() <= 1) return false;
    if (format == "table") {
        sink(change_table(tree, {arguments.rows, options.count_name, options.factor}));
    } else {
        write_folded_diff(tree, sink);
    }
    return true;
}

int compare(Arguments& arguments, const std::string& format) {
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
    const bool some =
        write(*tree, arguments, format, [&](std::string_view text) { return output->write(text); });
    if (output->reader_gone()) return compared;
    const Result<void> committed = output->commit();
    if (!committed) {
        say(committed.error().message);
        return failed;
    }
    if (some) return compared;
    say("there is no valid input: no stack with a count was found");
    return failed;
}

int run(Arguments& arguments) {
    const std::string format = format_of(arguments);
    if (format.empty()) {
        say(arguments.output + ": its ending says neither folded, svg nor html; give --format");
        return wrong_usage;
    }
    if (arguments.before == "-" && arguments.after == "-") {
        say("only one of the two profiles can be standard input");
        return wrong_usage;
    }
    const Result<void> good =
        tools::finish_picture_options(arguments.picture, "Differential Flame Graph");
    if (!good) {
        say(good.error().message);
        return good.error().kind == ErrorKind::io ? failed : wrong_usage;
    }
    return compare(arguments, format);
}

}  // namespace

int main(int argc, char** argv) {
    tools::prepare_standard_streams();
    MappedFile::catch_lost_pages();
    Arguments arguments;
    tools::CommandLine app("Compares two profiles.", tool);
    define_options(app, arguments);
    if (const auto end = app.parse(argc, argv)) {
        return *end == tools::CommandLine::End::told ? compared : wrong_usage;
    }
    arguments.picture.picture.counts_are_named = tools::names_counts(app);
    return run(arguments);
}
