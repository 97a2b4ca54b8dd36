#include "tools/picture_arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "tools/command_line.h"
#include "tools/output_file.h"
#include "tools/stack_input.h"

namespace fgread::tools {

namespace {

constexpr std::string_view usage_hint = "; see --help";

// flamegraph.pl's backgrounds, which were gradients there.
constexpr std::array backgrounds = {
    std::pair{"yellow", "#fbf8e6"}, std::pair{"blue", "#eef1ff"}, std::pair{"green", "#ecf7ec"},
    std::pair{"grey", "#f3f4f6"},   std::pair{"gray", "#f3f4f6"},
};

Error usage(std::string message) {
    return {ErrorKind::unsupported, std::move(message) + std::string(usage_hint)};
}

Result<void> use_min_width(PictureArguments& arguments) {
    std::string_view text = arguments.min_width;
    arguments.picture.min_width_is_percent = text.ends_with('%');
    if (arguments.picture.min_width_is_percent) text.remove_suffix(1);
    double value = 0;
    const char* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, value, std::chars_format::fixed);
    const double most = arguments.picture.min_width_is_percent ? 100 : 10'000;
    if (read.ec != std::errc{} || read.ptr != end || !(value >= 0 && value <= most)) {
        return usage(fmt::format("--minwidth: \"{}\" is neither pixels (0.5) nor percent (0.1%)",
                                 arguments.min_width));
    }
    arguments.picture.min_width = value;
    return {};
}

bool is_hex_color(std::string_view text) {
    return text.size() == 7 && text.front() == '#' &&
           text.find_first_not_of("0123456789abcdefABCDEF", 1) == std::string_view::npos;
}

Result<void> use_background(PictureArguments& arguments) {
    std::string& color = arguments.background;
    for (const auto& [name, value] : backgrounds) {
        if (color == name) color = value;
    }
    if (!color.empty() && !is_hex_color(color)) {
        return usage(
            fmt::format("--bgcolors: \"{}\" is neither #rrggbb nor yellow, blue, green or "
                        "grey",
                        color));
    }
    arguments.picture.background = color;
    return {};
}

}  // namespace

void add_picture_options(CommandLine& app, PictureArguments& arguments) {
    PictureOptions& picture = arguments.picture;
    const auto add = [](Option* option, const char* text = "N") {
        return option->option_text(text)->group("Picture");
    };
    add(app.add_option("--title", arguments.title,
                       "Title [by the kind of picture: Flame Graph, Icicle Graph ...]"),
        "TEXT");
    add(app.add_option("--subtitle", picture.subtitle, "A line below the title"), "TEXT");
    add(app.add_option("--width", picture.width,
                       "Pixels; 0: as wide as the window, 1200 where there is none [0]")
            ->range(0u, 100'000u));
    add(app.add_option("--height", picture.frame_height, "Pixels of one frame [18]")
            ->range(6u, 200u));
    add(app.add_option(
            "--minwidth,--min-width", arguments.min_width,
            "Leave out narrower frames: pixels of 1200, or of --width; percent of all with % "
            "[0.1]"),
        "N[%]");
    add(app.add_option("--max-size", picture.max_size,
                       "About so many bytes of output: the narrowest frames are left out to that "
                       "end; 0: no limit [9500000]"));
    add(app.add_option("--fonttype,--font-type", picture.font,
                       "Font, as CSS names it [the system's]"),
        "FONT");
    add(app.add_option("--fontsize,--font-size", picture.font_size, "Pixels of letters [12]")
            ->range(4.0, 100.0));
    add(app.add_option("--fontwidth,--font-width", picture.font_width,
                       "Width of a letter in font sizes, where no script measures it [0.59]")
            ->range(0.1, 3.0));
    add(app.add_option("--countname,--count-name", picture.count_name,
                       "What is counted [samples; of a recording its event, or ms]"),
        "TEXT");
    add(app.add_option("--nametype,--name-type", picture.name_type,
                       "What the names are [Function:]"),
        "TEXT");
    add(app.add_option(
               "--factor", picture.factor,
               "Multiply counts by N where they are shown [1; so that times of a recording are "
               "ms]")
            ->positive());
    add(app.add_option("-c,--colors,--color", arguments.colors,
                       "Colour scheme: " + color_scheme_names() + " [hot]"),
        "SCHEME");
    app.add_flag("--hash", arguments.similar_colors, "Similar colours for names that begin alike")
        ->group("Picture");
    app.add_flag("--cp{palette.map}", arguments.palette_file,
                 "Keep the colours of functions in palette.map between runs; --cp=FILE: in FILE")
        ->option_text(" ")
        ->group("Picture");
    add(app.add_option("--bgcolors", arguments.background,
                       "Background: #rrggbb, yellow, blue, green or grey [white; dark where the "
                       "viewer prefers that]"),
        "COLOR");
    app.add_flag("-i,--inverted", picture.inverted, "Icicle graph: the root on top")
        ->group("Picture");
}

void add_comparison_options(CommandLine& app, PictureArguments& arguments) {
    app.add_flag("--negate", arguments.picture.negate,
                 "Comparison: blue for more, the signs turned")
        ->group("Picture");
    app.add_option("--changes", arguments.changes,
                   "Comparison: colour frames by the change of their own weight, or of their "
                   "total, with all they call: self or total [self]")
        ->one_of({"self", "total"})
        ->option_text("WHAT")
        ->group("Picture");
}

bool names_counts(const CommandLine& app) {
    return app.count("--countname") + app.count("--factor") != 0;
}

void add_recording_options(CommandLine& app, FoldOptions& fold) {
    app.add_option("--symfs", fold.symfs, "Look for the recorded binaries under DIR first")
        ->existing_directory()
        ->option_text("DIR")
        ->group("Recordings");
    app.add_option("--kallsyms", fold.kallsyms, "Kernel names from this copy of /proc/kallsyms")
        ->existing_file()
        ->option_text("FILE")
        ->group("Recordings");
}

Result<void> finish_picture_options(PictureArguments& arguments, std::string_view default_title) {
    PictureOptions& picture = arguments.picture;
    picture.title = arguments.title.empty() ? default_title : arguments.title;
    if (picture.width != 0 && picture.width < 100) {
        return usage("--width: at least 100 pixels, or 0 to follow the window");
    }
    if (const Result<void> good = use_min_width(arguments); !good) return good;
    if (const Result<void> good = use_background(arguments); !good) return good;
    const std::optional<ColorScheme> scheme = color_scheme(arguments.colors);
    if (!scheme) {
        return usage(fmt::format("--colors: there is no scheme \"{}\"; there are {}",
                                 arguments.colors, color_scheme_names()));
    }
    picture.scheme = *scheme;
    picture.spread = arguments.similar_colors ? ColorSpread::by_similar : ColorSpread::by_name;
    picture.changes_in_total = arguments.changes == "total";
    if (arguments.palette_file.empty()) return {};
    const Result<std::string> text = read_text_file(arguments.palette_file);
    if (!text) return text.error();
    arguments.palette.read(*text);
    picture.palette = &arguments.palette;
    return {};
}

std::string graph_title(TimeKind time, bool inverted) {
    const char* kind = time == TimeKind::off_cpu ? "Off-CPU "
                       : time == TimeKind::wall  ? "Wall-Clock "
                                                 : "";
    return std::string(kind) + (inverted ? "Icicle Graph" : "Flame Graph");
}

Result<void> save_palette(const PictureArguments& arguments) {
    if (arguments.palette_file.empty()) return {};
    Result<OutputFile> file = OutputFile::create(arguments.palette_file);
    if (!file) return file.error();
    file->write(arguments.palette.text());
    return file->commit();
}

std::string left_out(const Picture& picture) {
    std::string text;
    if (picture.left_out_for_size != 0) {
        text = fmt::format(
            "{} frames narrower than {:.4f}% are left out to keep the picture small (--max-size, "
            "--minwidth)",
            picture.left_out_for_size, picture.narrowest_percent);
    }
    if (picture.left_out_for_depth != 0) {
        if (!text.empty()) text += "; ";
        text += fmt::format("{} frames above depth {}, with all they call, are left out",
                            picture.left_out_for_depth, LayoutOptions{}.max_depth);
    }
    return text;
}

std::string ending_of(const std::string& path) {
    std::string ending = std::filesystem::path(path).extension().string();
    if (!ending.empty()) ending.erase(0, 1);
    std::transform(ending.begin(), ending.end(), ending.begin(), [](char letter) {
        return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
    });
    return ending;
}

}  // namespace fgread::tools
