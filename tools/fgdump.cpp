// fgdump: what fgread sees in a recording or binary, for understanding a bug report.

#include <fmt/format.h>

#include <cstdio>
#include <string>
#include <vector>

#include "tools/command_line.h"
#include "tools/dump_module.h"
#include "tools/dump_records.h"
#include "tools/dump_rule.h"
#include "tools/dump_stacks.h"
#include "tools/dump_symbols.h"
#include "tools/fold_messages.h"
#include "tools/output_file.h"
#include "tools/standard_streams.h"
#include "tools/version.h"

namespace {

using namespace fgread;

enum ExitStatus { dumped = 0, failed = 1, wrong_usage = 2, damaged_input = 3 };

struct Arguments {
    std::string input = "perf.data";
    bool summary = false;
    bool records = false;
    bool stacks = false;
    std::vector<std::string> rule;  // MODULE, then addresses
    std::string symbolize;          // MODULE
    std::string names;              // empty, or a name_style()
    bool inlines = true;
    tools::StackDumpOptions stack_options;
};

constexpr const char* help_text =
    "Without --summary, --records, --stacks, --rule or --symbolize: header, features, events,\n"
    "build-ids and how many records of each type there are.\n"
    "\n"
    "--rule prints the unwind rules that hold at the addresses in the words of readelf -wF.\n"
    "Addresses are those of the file, in hexadecimal; '-' reads them from standard input.\n"
    "\n"
    "--symbolize reads addresses from standard input and prints the functions there, innermost\n"
    "first, as llvm-symbolizer --inlines does.\n"
    "\n"
    "--names plain: demangled, without parameters; full: with them; short: without template\n"
    "arguments either; raw: as in the ELF file. --stacks shows no names without this option,\n"
    "--symbolize plain ones.\n"
    "\n"
    "Examples:\n"
    "  fgdump my.data --records | grep MMAP2\n"
    "  fgdump my.data --stacks --names plain | awk -F'\\t' '$6 != \"complete\"'\n"
    "  fgdump --rule /lib/x86_64-linux-gnu/libc.so.6 0x27cd0\n"
    "  echo 0x27cd0 | fgdump --symbolize /lib/x86_64-linux-gnu/libc.so.6\n"
    "\n"
    "Exit status: 0 done; 1 nothing could be read, or an address of --rule has no rule; 2 wrong\n"
    "usage; 3 the input was damaged or cut, and what came before the damage was shown.";

tools::StackDumpOptions stack_options(const Arguments& arguments) {
    tools::StackDumpOptions options = arguments.stack_options;
    options.names = !arguments.names.empty();
    options.style = name_style(arguments.names).value_or(NameStyle::plain);
    return options;
}

void define_options(tools::CommandLine& app, Arguments& arguments) {
    app.use_wide_help();
    app.footer(std::string(tools::stacks_help) + "\n" + help_text);
    app.set_version_flag(fmt::format("fgdump {}", tools::version));
    app.add_option("input", arguments.input,
                   "Recording made by perf record, - for standard input [./perf.data]")
        ->option_text("FILE");
    app.add_flag("--summary", arguments.summary, "How many records there are of each type");
    app.add_flag("--records", arguments.records, "One line for each record");
    app.add_flag("--stacks", arguments.stacks,
                 "One line for each sample: how its stack was walked");
    app.add_option("--rule", arguments.rule, "Unwind rules of an ELF file at addresses")
        ->expected(2, -1)
        ->option_text("MODULE ADDRESS...");
    app.add_option("--symbolize", arguments.symbolize, "Functions of an ELF file at addresses")
        ->type_name("MODULE");
    app.add_option("--names", arguments.names, "Names of functions, in --stacks and --symbolize")
        ->one_of({"plain", "full", "short", "raw"})
        ->type_name("STYLE");
    app.add_flag("--inline,!--no-inline", arguments.inlines,
                 "Inlined functions in --symbolize [on]")
        ->option_text(" ");
    app.add_option("--symfs", arguments.stack_options.symfs,
                   "Look for the recorded binaries under DIR first")
        ->existing_directory()
        ->option_text("DIR");
    app.add_option("--kallsyms", arguments.stack_options.kallsyms,
                   "Kernel names from this copy of /proc/kallsyms")
        ->existing_file()
        ->option_text("FILE");
}

int mode_count(const Arguments& arguments) {
    return int{arguments.summary} + int{arguments.records} + int{arguments.stacks} +
           int{!arguments.rule.empty()} + int{!arguments.symbolize.empty()};
}

void say(const std::string& text) { tools::say("fgdump", text); }

int finish(const Result<void>& done, tools::OutputFile& file, tools::DumpOutput& out) {
    out.flush();
    if (file.reader_gone()) return dumped;
    const Result<void> written = file.commit();
    for (const Result<void>* result : {&done, &written}) {
        if (*result) continue;
        say(result->error().message);
        return failed;
    }
    return dumped;
}

int dump_recording(const Arguments& arguments, tools::OutputFile& file, tools::DumpOutput& out) {
    FoldStats stats;
    const auto dump = [&]() -> Result<void> {
        if (arguments.summary) {
            return dump_record_counts(arguments.input, out, stats.diagnostics);
        }
        if (arguments.records) return dump_records(arguments.input, out, stats.diagnostics);
        if (arguments.stacks) {
            return dump_stacks(arguments.input, stack_options(arguments), out, stats.diagnostics);
        }
        return dump_summary(arguments.input, out, stats.diagnostics);
    };
    const int status = finish(dump(), file, out);
    if (status != dumped) return status;
    for (const std::string& warning : tools::warnings(stats, "")) say("warning: " + warning);
    return stats.diagnostics.input_damaged() ? damaged_input : dumped;
}

int dump_rules(const Arguments& arguments, tools::OutputFile& file, tools::DumpOutput& out) {
    std::vector<std::uint64_t> addresses;
    for (std::size_t i = 1; i < arguments.rule.size(); ++i) {
        const bool understood = arguments.rule[i] == "-"
                                    ? tools::read_addresses(stdin, addresses)
                                    : tools::add_address(arguments.rule[i], addresses);
        if (understood) continue;
        say(fmt::format("'{}' is not a hexadecimal address", arguments.rule[i]));
        return wrong_usage;
    }
    bool missing = false;
    const int status =
        finish(tools::dump_rules(arguments.rule[0], addresses, out, missing), file, out);
    return status == dumped && missing ? failed : status;
}

int dump_symbols(const Arguments& arguments, tools::OutputFile& file, tools::DumpOutput& out) {
    const SymbolizerOptions options{.names = name_style(arguments.names).value_or(NameStyle::plain),
                                    .inlines = arguments.inlines};
    return finish(tools::dump_symbols(arguments.symbolize, options, stdin, out), file, out);
}

int run(const Arguments& arguments) {
    Result<tools::OutputFile> file = tools::OutputFile::create("");
    if (!file) {
        say(file.error().message);
        return failed;
    }
    tools::DumpOutput out(*file);
    if (!arguments.rule.empty()) return dump_rules(arguments, *file, out);
    if (!arguments.symbolize.empty()) return dump_symbols(arguments, *file, out);
    return dump_recording(arguments, *file, out);
}

}  // namespace

int main(int argc, char** argv) {
    tools::prepare_standard_streams();
    Arguments arguments;
    tools::CommandLine app("Shows what is in a perf.data recording, and what fgread makes of it.",
                           "fgdump");
    define_options(app, arguments);
    if (const auto end = app.parse(argc, argv)) {
        return *end == tools::CommandLine::End::told ? dumped : wrong_usage;
    }
    if (mode_count(arguments) > 1) {
        say("only one of --summary, --records, --stacks, --rule and --symbolize");
        return wrong_usage;
    }
    return run(arguments);
}
