#include "collapse/repeated_commands.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "collapse/shell_line.h"

namespace fgread {
namespace {

// perf record's options (6.1's, and some of later ones), to tell where the program begins. In full:
// an abbreviation, and what is not here, is not understood.
constexpr std::string_view short_flags = "abBdgiNnPqRsTvW";
constexpr std::string_view short_with_value = "cCDeFGjkmoprtu";
constexpr std::string_view short_with_optional_value = "ISz";
constexpr auto long_with_value = std::to_array<std::string_view>({
    "--affinity",
    "--branch-filter",
    "--call-graph",
    "--cgroup",
    "--clang-opt",
    "--clang-path",
    "--clockid",
    "--control",
    "--count",
    "--cpu",
    "--delay",
    "--event",
    "--filter",
    "--freq",
    "--max-size",
    "--mmap-flush",
    "--mmap-pages",
    "--num-thread-synthesize",
    "--off-cpu-thresh",
    "--output",
    "--pid",
    "--proc-map-timeout",
    "--realtime",
    "--setup-filter",
    "--switch-max-files",
    "--switch-output-event",
    "--synth",
    "--tid",
    "--uid",
    "--vmlinux",
});
// Some of these take a value, but only behind "=".
constexpr auto long_flags = std::to_array<std::string_view>({
    "--aio",
    "--all-cgroups",
    "--all-cpus",
    "--all-kernel",
    "--all-user",
    "--aux-sample",
    "--branch-any",
    "--buildid-all",
    "--buildid-mmap",
    "--code-page-size",
    "--compression-level",
    "--data",
    "--data-page-size",
    "--debuginfod",
    "--exclude-perf",
    "--group",
    "--intr-regs",
    "--kcore",
    "--kernel-callchains",
    "--latency",
    "--namespaces",
    "--no-bpf-event",
    "--no-buffering",
    "--no-buildid",
    "--no-buildid-cache",
    "--no-inherit",
    "--no-samples",
    "--off-cpu",
    "--overwrite",
    "--per-thread",
    "--period",
    "--phys-data",
    "--quiet",
    "--raw-samples",
    "--running-time",
    "--sample-cpu",
    "--sample-identifier",
    "--snapshot",
    "--stat",
    "--strict-freq",
    "--switch-events",
    "--switch-output",
    "--tail-synthesize",
    "--threads",
    "--timestamp",
    "--timestamp-boundary",
    "--timestamp-filename",
    "--transaction",
    "--user-callchains",
    "--user-regs",
    "--verbose",
    "--weight",
});
// fgread's that are given once, with the value as a word of its own.
constexpr auto given_once = std::to_array<std::string_view>({"--kallsyms", "--symfs"});

template <std::size_t n>
bool contains(const std::array<std::string_view, n>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

// One option by the name that it is known by here, with the words it was given in.
struct Option {
    std::string name;
    std::string value;
    std::vector<std::string> words;
};

struct RecordWords {
    std::vector<Option> options;
    std::vector<std::string> program;
};

std::string_view known_as(std::string_view name) {
    if (name == "-g") return "--call-graph";
    if (name == "--all-cpus") return "-a";
    if (name == "--pid") return "-p";
    if (name == "--tid") return "-t";
    if (name == "--mmap-pages") return "-m";
    if (name == "--freq") return "-F";
    if (name == "--output") return "-o";
    if (name == "--clockid") return "-k";
    return name;
}

// Reads the words behind "perf record"; nothing if one of them is not understood.
class RecordParser {
public:
    explicit RecordParser(const std::vector<std::string>& words) : words_(words) {}

    std::optional<RecordWords> run() {
        for (at_ = 2; at_ < words_.size(); ++at_) {
            const std::string& word = words_[at_];
            const bool ends = word == "--";
            if (ends || !word.starts_with('-') || word == "-") {
                const auto first =
                    words_.begin() + static_cast<std::ptrdiff_t>(at_ + (ends ? 1 : 0));
                found_.program.assign(first, words_.end());
                return std::move(found_);
            }
            if (!(word.starts_with("--") ? take_long(word) : take_cluster(word))) return {};
        }
        return std::move(found_);
    }

private:
    bool take_long(const std::string& word) {
        const std::size_t equals = word.find('=');
        const std::string name = word.substr(0, equals);
        if (equals != std::string::npos) {
            add(name, word.substr(equals + 1), {word});
            return contains(long_with_value, name) || contains(long_flags, name);
        }
        if (contains(long_with_value, name)) return take_value(name);
        add(name, {}, {word});
        return contains(long_flags, name);
    }

    // "-ag", "-F999", "-aF", "999"
    bool take_cluster(const std::string& word) {
        for (std::size_t i = 1; i < word.size(); ++i) {
            const std::string name = {'-', word[i]};
            const std::string rest = word.substr(i + 1);
            if (short_flags.find(word[i]) != std::string_view::npos) {
                add(name, {}, {name});
                continue;
            }
            if (short_with_optional_value.find(word[i]) != std::string_view::npos) {
                add(name, rest, {name + rest});
                return true;
            }
            if (short_with_value.find(word[i]) == std::string_view::npos) return false;
            if (rest.empty()) return take_value(name);
            add(name, rest, {name + rest});
            return true;
        }
        return true;
    }

    bool take_value(const std::string& name) {
        if (++at_ == words_.size()) return false;
        add(name, words_[at_], {name, words_[at_]});
        return true;
    }

    void add(std::string_view name, std::string value, std::vector<std::string> words) {
        found_.options.push_back({std::string(known_as(name)), std::move(value), std::move(words)});
    }

    const std::vector<std::string>& words_;
    std::size_t at_ = 0;
    RecordWords found_;
};

// "--symfs", "--symfs=DIR"
bool is_option(std::string_view word, std::string_view name) {
    return word == name || (word.starts_with(name) && word.substr(name.size()).starts_with('='));
}

std::string_view basename_of(std::string_view path) {
    return path.substr(path.find_last_of('/') + 1);
}

// An event may have a call graph of its own, which an option for all does not change.
bool has_own_call_graph(const Option& option) {
    return option.value.find("call-graph=") != std::string::npos ||
           option.value.find("stack-size=") != std::string::npos;
}

std::optional<RecordWords> parse_record(const std::vector<std::string>& words) {
    const bool by_perf =
        words.size() >= 2 && basename_of(words[0]).starts_with("perf") && words[1] == "record";
    if (!by_perf) return {};
    auto parsed = RecordParser(words).run();
    if (!parsed) return {};
    const auto& options = parsed->options;
    const bool odd = std::any_of(options.begin(), options.end(), has_own_call_graph);
    return odd ? std::nullopt : std::move(parsed);
}

void append(std::vector<std::string>& out, const std::vector<std::string>& more) {
    out.insert(out.end(), more.begin(), more.end());
}

std::string line_of(const RecordWords& record, std::string_view left_out,
                    const std::vector<std::string>& added) {
    std::vector<std::string> out = {"perf", "record"};
    bool piped = false;
    for (const Option& option : record.options) {
        if (option.name == left_out) continue;
        piped = piped || (option.name == "-o" && option.value == "-");
        append(out, option.words);
    }
    append(out, added);
    if (!record.program.empty()) out.emplace_back("--");
    append(out, record.program);
    return shell_line(out) + (piped ? " | fgread -" : "");
}

std::vector<std::string> runtime_options(std::string_view program,
                                         RepeatedCommands::JitFile wanted) {
    const bool map = wanted == RepeatedCommands::JitFile::perf_map;
    if (program == "node" || program == "nodejs") {
        return {map ? "--perf-basic-prof" : "--perf-prof"};
    }
    if (!map) return {};
    if (program.starts_with("python")) return {"-X", "perf"};
    if (program == "java") return {"-XX:+UnlockDiagnosticVMOptions", "-XX:+DumpPerfMapAtExit"};
    return {};
}

}  // namespace

std::string RepeatedCommands::fold_again() const { return shell_line(fold); }

bool RepeatedCommands::fold_has(std::string_view name) const {
    return std::any_of(fold.begin(), fold.end(),
                       [&](std::string_view word) { return is_option(word, name); });
}

std::string RepeatedCommands::fold_with(std::string_view name, std::string_view value) const {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < fold.size(); ++i) {
        const bool replaced = contains(given_once, name) && is_option(fold[i], name);
        if (!replaced) out.push_back(fold[i]);
        if (replaced && fold[i] == name) ++i;
    }
    std::string added(name);
    if (!value.empty()) added.append("=").append(value);
    out.push_back(std::move(added));
    return shell_line(out);
}

std::string RepeatedCommands::record_with(std::string_view option, std::string_view value) const {
    std::vector<std::string> added = {std::string(option)};
    if (!value.empty()) added.emplace_back(value);
    const auto parsed = parse_record(record);
    return line_of(parsed.value_or(RecordWords{{}, {"COMMAND"}}), option, added);
}

std::string RepeatedCommands::record_jit(JitFile wanted) const {
    auto parsed = parse_record(record);
    if (!parsed || parsed->program.empty()) return {};
    auto& program = parsed->program;
    const auto options = runtime_options(basename_of(program[0]), wanted);
    if (options.empty()) return {};
    program.insert(program.begin() + 1, options.begin(), options.end());
    // The clock of a jitdump's times.
    if (wanted == JitFile::jitdump) return line_of(*parsed, "-k", {"-k", "mono"});
    return line_of(*parsed, {}, {});
}

bool RepeatedCommands::record_has(std::string_view option) const {
    const auto parsed = parse_record(record);
    return parsed && std::any_of(parsed->options.begin(), parsed->options.end(),
                                 [&](const Option& each) { return each.name == option; });
}

std::string RepeatedCommands::recorded_value(std::string_view option) const {
    const auto parsed = parse_record(record);
    if (!parsed) return {};
    std::string value;
    for (const Option& each : parsed->options) {
        if (each.name == option) value = each.value;
    }
    return value;
}

}  // namespace fgread
