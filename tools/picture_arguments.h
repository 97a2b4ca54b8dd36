// The options of the command line that fgrender and fgdiff share: above all, what a picture looks
// like.
#pragma once

#include <optional>
#include <string>

#include "collapse/fold.h"
#include "perfdata/result.h"
#include "render/picture.h"

namespace fgread::tools {

class CommandLine;

struct PictureArguments {
    PictureOptions picture;
    std::string title;  // empty: by the kind of picture
    std::string min_width = "0.1";
    std::string colors = "hot";
    std::string background;
    std::string palette_file;  // of --cp; empty: none
    bool similar_colors = false;
    std::string changes = "self";
    PaletteMap palette;
};

// Adds the options, in the group "Picture".
void add_picture_options(CommandLine& app, PictureArguments& arguments);

// Adds, in the same group, what only pictures of two profiles have.
void add_comparison_options(CommandLine& app, PictureArguments& arguments);

// Whether --countname or --factor was given.
[[nodiscard]] bool names_counts(const CommandLine& app);

// What a recording among the inputs may need to be folded, in the group "Recordings".
void add_recording_options(CommandLine& app, FoldOptions& fold);

// Checks what was given and fills arguments.picture; the error is one of usage, or of reading the
// palette.
Result<void> finish_picture_options(PictureArguments& arguments, std::string_view default_title);

// The default title of a picture of a recording: "Off-CPU Flame Graph".
std::string graph_title(TimeKind time, bool inverted);

// Writes the palette back, if there is one.
Result<void> save_palette(const PictureArguments& arguments);

// What was left out of a picture and why, for stderr; empty if nothing was.
std::string left_out(const Picture& picture);

// The ending of `path` without its dot and in small letters: "svg"; empty if there is none.
std::string ending_of(const std::string& path);

}  // namespace fgread::tools
