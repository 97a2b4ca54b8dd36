#include "tools/output_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
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

// Nanoseconds are read as milliseconds: 1 s of samples is "1,000 ms", not "1,000,000,000".
void name_counts(const WeightUnit& weight, PictureOptions& options) {
    const bool is_time = weight.unit == "nanoseconds";
    options.count_name = is_time ? "ms" : weight.name;
    if (is_time) options.factor = 1e-6;
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

Picture write_profile(const FoldedProfile& folded, OutputFormat format, PictureOptions options,
                      const TextSink& sink) {
    switch (format) {
        case OutputFormat::folded:
            write_folded(name_tree(folded), folded.names, sink);
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
    const FrameTree tree = frame_tree(name_tree(folded), folded.names);
    return format == OutputFormat::svg ? write_svg(tree, options, sink)
                                       : write_html(tree, options, sink);
}

}  // namespace fgread::tools
