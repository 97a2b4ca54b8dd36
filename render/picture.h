// What a flame graph looks like, for all writers of pictures, and what became of it.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "render/frame_tree.h"
#include "render/layout.h"
#include "render/palette.h"

namespace fgread {

struct PictureOptions {
    std::string title = "Flame Graph";
    std::string subtitle;
    std::string count_name = "samples";
    std::string name_type = "Function:";
    double factor = 1;  // weights are shown multiplied by it
    bool counts_are_named =
        false;                   // both are somebody's choice, not to be derived from a recording
    unsigned width = 0;          // pixels; 0: that of the window, 1200 where there is none
    unsigned frame_height = 18;  // pixels
    double font_size = 12;       // pixels
    // Of a letter on average, relative to font_size; only for what shows no script.
    double font_width = 0.59;
    std::string font =
        "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', Verdana, sans-serif";
    std::string background;  // "#rrggbb"; empty: white, or dark where that is preferred
    double min_width = 0.1;  // of a frame to be drawn: pixels of a picture 1200 wide, or `width`
    bool min_width_is_percent = false;  // then of the whole
    std::size_t max_size = 9'500'000;  // bytes of output, about: then narrow frames go. 0: no limit
    bool inverted = false;             // an icicle graph: the root on top
    ColorScheme scheme = ColorScheme::hot;
    ColorSpread spread = ColorSpread::by_name;
    // Of functions, by their names: for ColorScheme::module, where a name says of no namespace.
    std::map<std::string, std::string, std::less<>> binaries;
    PaletteMap* palette = nullptr;  // colours to keep; not owned, may be null
    // Of a comparison.
    bool negate = false;  // blue for more, and the signs turned
    bool changes_in_total =
        false;  // show the changes of frames with all they call, not of their own
};

// What writing a picture came to.
struct Picture {
    bool written = false;                // all of it; else the sink wanted no more
    bool empty = false;                  // there was no weight: a picture that says so was written
    std::size_t frames = 0;              // that were drawn
    std::size_t left_out_for_size = 0;   // though as wide as min_width
    std::size_t left_out_for_depth = 0;  // the same
    double narrowest_percent = 0;        // of those drawn, if some were left out for the size
};

inline constexpr unsigned default_picture_width = 1200;  // pixels
inline constexpr unsigned picture_padding = 10;          // pixels left and right of the frames

// Longer names end with "…": a picture shows 200 letters at most, a hint 600. In bytes.
inline constexpr std::size_t max_shown_name = 1000;

// A frame's name as pictures show it: without the mark (_[k], _[i], _[j], _[w]) that its colour
// stands for, printable, at most max_shown_name long.
[[nodiscard]] std::string shown_name(std::string_view name);

// "1,234,567"; below 1,000 with at most two decimals if it is no integer.
[[nodiscard]] std::string shown_count(double count);

// "12.34%" of `total`; `sign`: "+1.20%".
[[nodiscard]] std::string shown_percent(double part, double total, bool sign = false);

// The layout for a picture whose frames cost `frame_cost` bytes each and `name_factor` times the
// bytes of their name.
[[nodiscard]] Layout picture_layout(const FrameTree& tree, const PictureOptions& options,
                                    std::size_t frame_cost, std::size_t name_factor);

// The change of `box` that `options` asks for; 0 if the tree is no comparison.
[[nodiscard]] double shown_change(const Box& box, const PictureOptions& options);

// The colour of all frames of this name, in a picture that is no comparison.
[[nodiscard]] Color name_color(std::string_view name, const PictureOptions& options);

// What `box` is filled with.
[[nodiscard]] Color frame_color(const FrameTree& tree, const Layout& layout, const Box& box,
                                const PictureOptions& options);

// The counts of a Picture that `layout` knows.
[[nodiscard]] Picture picture_of(const Layout& layout);

}  // namespace fgread
