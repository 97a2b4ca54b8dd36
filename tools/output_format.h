// The formats in which fgread writes a profile: their names, the endings of files that mean them,
// and their writers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "collapse/fold.h"
#include "collapse/folded_profile.h"
#include "perfdata/result.h"
#include "render/picture.h"
#include "render/text_sink.h"

namespace fgread::tools {

enum class OutputFormat : std::uint8_t {
    folded,
    svg,
    html,
    pprof,
    json,
    jsonl,
    speedscope,
    firefox,
    script
};

// "folded", "svg", ...: for --help.
[[nodiscard]] std::string output_format_names();

// `name` if there is one, else by the ending of `path`; folded for standard output, devices and
// paths without an ending. The error is one of usage.
[[nodiscard]] Result<OutputFormat> output_format(const std::string& name, const std::string& path);

// The first ending that means it: ".svg".
[[nodiscard]] std::string_view format_ending(OutputFormat format);

[[nodiscard]] constexpr bool is_picture(OutputFormat format) {
    return format == OutputFormat::svg || format == OutputFormat::html;
}

// Has the module, the file and the line of each function beside its name, not in it: wants
// FrameNames::details().
[[nodiscard]] constexpr bool has_details(OutputFormat format) {
    return format != OutputFormat::folded && !is_picture(format);
}

// Has every sample by itself: wants Profile::timeline.
[[nodiscard]] constexpr bool has_times(OutputFormat format) {
    return format == OutputFormat::script || format == OutputFormat::speedscope ||
           format == OutputFormat::firefox;
}

// Not for terminals.
[[nodiscard]] constexpr bool is_binary(OutputFormat format) {
    return format == OutputFormat::pprof;
}

// The root frames, or the labels, that are good for it where nobody asks for others.
[[nodiscard]] Grouping default_grouping(OutputFormat format);

// Has `fold` keep what its writer needs.
void fit_to_format(OutputFormat format, FoldOptions& fold);

// What a picture shows of weights like this, unless PictureOptions::counts_are_named.
void name_counts(const WeightUnit& weight, PictureOptions& options);

// Writes `folded` to `sink`. What became of the picture, if it is one; `options` is for pictures,
// and their counts are named by the recording unless PictureOptions::counts_are_named.
Picture write_profile(const FoldedProfile& folded, OutputFormat format, PictureOptions options,
                      const TextSink& sink);

}  // namespace fgread::tools
