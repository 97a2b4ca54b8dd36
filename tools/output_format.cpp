#include "tools/output_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <map>
#include <string_view>
#include <vector>

#include "collapse/writers/firefox.h"
#include "collapse/writers/folded.h"
#include "collapse/writers/json.h"
#include "collapse/writers/perf_script.h"
#include "collapse/writers/pprof.h"
#include "collapse/writers/speedscope.h"
#include "render/html_writer.h"
#include "render/svg_writer.h"

namespace fgread::tools {

namespace {

struct FormatWords {
    OutputFormat format;
    std::string_view name;
    std::string_view ending;
};

// The first ending that fits counts: ".speedscope.json" before ".json".
constexpr FormatWords words[] = {
    {OutputFormat::folded, "folded", ".folded"},
    {OutputFormat::folded, "folded", ".txt"},
    {OutputFormat::svg, "svg", ".svg"},
    {OutputFormat::html, "html", ".html"},
    {OutputFormat::html, "html", ".htm"},
    {OutputFormat::pprof, "pprof", ".pb.gz"},
    {OutputFormat::speedscope, "speedscope", ".speedscope.json"},
    {OutputFormat::firefox, "firefox", ".firefox.json"},
    {OutputFormat::json, "json", ".json"},
    {OutputFormat::jsonl, "jsonl", ".jsonl"},
    {OutputFormat::script, "script", ".script"},
};

std::string known_endings() {
    std::string text;
    for (const FormatWords& word : words) {
        text += fmt::format("{}{}", text.empty() ? "" : ", ", word.ending);
    }
    return text;
}

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](char letter) {
        return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
    });
    return text;
}

FrameTree frame_tree(const NameTree& stacks, const FrameNames& names) {
    FrameTree tree;
    std::vector<FrameNameId> name_ids(names.name_count());
    std::vector<bool> known(names.name_count(), false);
    std::vector<TreeNodeId> nodes(stacks.stacks.size());
    for (StackId stack = 0; stack < stacks.stacks.size(); ++stack) {
        const StackNode& node = stacks.stacks[stack];
        if (!known[node.label]) {
            known[node.label] = true;
            name_ids[node.label] = tree.intern(names.name(node.label));
        }
        const TreeNodeId parent = node.parent == no_stack ? tree_root : nodes[node.parent];
        nodes[stack] = tree.child(parent, name_ids[node.label]);
        if (stacks.weights[stack] != 0) {
            tree.add(nodes[stack], Side::after, static_cast<double>(stacks.weights[stack]));
        }
    }
    return tree;
}

// In which binary each function is, by its name; of several, that of the first frame.
std::map<std::string, std::string, std::less<>> binaries_of(const FoldedProfile& folded) {
    std::map<std::string, std::string, std::less<>> out;
    std::map<ModuleId, std::string> binaries;
    const FrameTable& frames = folded.profile.frames;
    for (FrameId frame = 0; frame < frames.size(); ++frame) {
        const ModuleId module = frames[frame].module;
        if (module.value == 0 || !is_real(module)) continue;
        const auto [binary, added] = binaries.try_emplace(module);
        if (added) binary->second = folded.modules.info(module).short_name;
        for (const NameId name : folded.names[frame]) {
            out.emplace(folded.names.name(name), binary->second);
        }
    }
    return out;
}

// All events, and what perf shows of addresses and names.
void make_like_perf_script(FoldOptions& fold) {
    if (fold.event.empty()) fold.event.assign(1, '*');  // gcc 12 warns of a bad copy for = "*"
    fold.symbols.names = NameStyle::perf;
    fold.aggregate.unknown_addresses = true;
}

}  // namespace

std::string output_format_names() {
    std::string text;
    std::string_view last;
    for (const FormatWords& word : words) {
        if (word.name == last) continue;
        text += fmt::format("{}{}", text.empty() ? "" : ", ", word.name);
        last = word.name;
    }
    return text;
}

Result<OutputFormat> output_format(const std::string& name, const std::string& path) {
    for (const FormatWords& word : words) {
        if (name == word.name) return word.format;
    }
    if (!name.empty()) {
        return Error{ErrorKind::unsupported, fmt::format("--format: there is no '{}'; there are {}",
                                                         name, output_format_names())};
    }
    const std::string file = lower(std::filesystem::path(path).filename().string());
    if (path.starts_with("/dev/") || file.find('.', 1) == std::string::npos) {
        return OutputFormat::folded;
    }
    for (const FormatWords& word : words) {
        if (file.ends_with(word.ending)) return word.format;
    }
    return Error{ErrorKind::unsupported,
                 fmt::format("{}: its ending says no format; known are {}; or give --format", path,
                             known_endings())};
}

std::string_view format_ending(OutputFormat format) {
    return std::find_if(std::begin(words), std::end(words),
                        [format](const FormatWords& word) { return word.format == format; })
        ->ending;
}

// Nanoseconds are read as milliseconds: 1 s of samples is "1,000 ms", not "1,000,000,000".
void name_counts(const WeightUnit& weight, PictureOptions& options) {
    if (options.counts_are_named) return;
    const bool is_time = weight.unit == "nanoseconds";
    options.count_name = is_time ? "ms" : weight.name;
    if (is_time) options.factor = 1e-6;
}

Grouping default_grouping(OutputFormat format) {
    // Not by cpu, too: on many of them nearly each sample would be one of its own.
    if (format == OutputFormat::pprof) return {GroupBy::comm, GroupBy::pid, GroupBy::tid};
    return {GroupBy::comm};
}

void fit_to_format(OutputFormat format, FoldOptions& fold) {
    fold.aggregate.timeline = has_times(format);
    if (has_details(format)) {
        fold.naming.details = true;
        fold.naming.source = false;
    }
    if (format == OutputFormat::script) make_like_perf_script(fold);
}

Picture write_profile(const FoldedProfile& folded, OutputFormat format, PictureOptions options,
                      const TextSink& sink) {
    switch (format) {
        case OutputFormat::folded:
            write_folded(folded, sink);
            return {};
        case OutputFormat::pprof:
            write_pprof(folded, sink);
            return {};
        case OutputFormat::json:
            write_json(folded, sink);
            return {};
        case OutputFormat::jsonl:
            write_json_lines(folded, sink);
            return {};
        case OutputFormat::firefox:
            write_firefox(folded, sink);
            return {};
        case OutputFormat::script:
            write_perf_script(folded, sink);
            return {};
        case OutputFormat::speedscope:
            write_speedscope(folded, sink);
            return {};
        case OutputFormat::svg:
        case OutputFormat::html:
            break;
    }
    name_counts(weight_unit(folded), options);
    if (options.scheme == ColorScheme::module) options.binaries = binaries_of(folded);
    const FrameTree tree = frame_tree(name_tree(folded), folded.names);
    return format == OutputFormat::svg ? write_svg(tree, options, sink)
                                       : write_html(tree, options, sink);
}

}  // namespace fgread::tools
