#include "render/picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "render/text_escape.h"

namespace fgread {

namespace {

constexpr Color root_color{205, 209, 214};

std::string with_commas(std::string_view digits) {
    std::string text;
    for (std::size_t i = 0; i < digits.size(); ++i) {
        if (i != 0 && (digits.size() - i) % 3 == 0) text += ',';
        text += digits[i];
    }
    return text;
}

}  // namespace

std::string shown_name(std::string_view name) {
    for (const std::string_view mark : {"_[k]", "_[i]", "_[j]", "_[w]"}) {
        if (!name.ends_with(mark)) continue;
        name.remove_suffix(mark.size());
        break;
    }
    return printable(name, max_shown_name);
}

std::string shown_count(double count) {
    if (count < 0) return fmt::format("-{}", shown_count(-count));
    // Rounded first: 0.999 is "1", not "0.100".
    const double hundredths = std::round(count * 100);
    if (count >= 1000 || std::fmod(hundredths, 100) == 0) {
        return with_commas(fmt::format("{:.0f}", count));
    }
    std::string text = fmt::format("{:.2f}", hundredths / 100);
    if (text.ends_with('0')) text.pop_back();
    const std::size_t point = text.find('.');
    return with_commas(text.substr(0, point)) + text.substr(point);
}

std::string shown_percent(double part, double total, bool sign) {
    const double percent = total == 0 ? 0 : 100 * part / total;
    return sign ? fmt::format("{:+.2f}%", percent) : fmt::format("{:.2f}%", percent);
}

Layout picture_layout(const FrameTree& tree, const PictureOptions& options, std::size_t frame_cost,
                      std::size_t name_factor) {
    LayoutOptions layout;
    const double width = options.width == 0 ? default_picture_width : options.width;
    const double frames_width = std::max(1.0, width - 2.0 * picture_padding);
    layout.min_share =
        options.min_width_is_percent ? options.min_width / 100 : options.min_width / frames_width;
    layout.max_cost = options.max_size;
    layout.cost = [=](std::string_view name) {
        std::string escaped;
        append_xml(escaped, shown_name(name));
        return frame_cost + name_factor * escaped.size();
    };
    return make_layout(tree, layout);
}

double shown_change(const Box& box, const PictureOptions& options) {
    const double change = options.changes_in_total ? box.change : box.self_change;
    return options.negate ? -change : change;
}

Color name_color(std::string_view name, const PictureOptions& options) {
    Color color = color_of(name, options.scheme, options.spread);
    if (options.scheme == ColorScheme::module && module_of(name).empty()) {
        const auto binary = options.binaries.find(name);
        if (binary != options.binaries.end()) color = color_in_module(binary->second, name);
    }
    return options.palette == nullptr ? color : options.palette->keep(name, color);
}

Color frame_color(const FrameTree& tree, const Layout& layout, const Box& box,
                  const PictureOptions& options) {
    if (tree.is_differential()) {
        if (box.node == tree_root) return color_of_change(0, 1);
        return color_of_change(shown_change(box, options), options.changes_in_total
                                                               ? layout.greatest_change
                                                               : layout.greatest_self_change);
    }
    if (box.node == tree_root) return root_color;
    return name_color(tree.name(tree[box.node].name), options);
}

Picture picture_of(const Layout& layout) {
    Picture picture;
    picture.empty = layout.total <= 0;
    picture.frames = layout.boxes.size();
    picture.left_out_for_size = layout.left_out_for_cost;
    picture.left_out_for_depth = layout.left_out_for_depth;
    if (layout.total > 0) picture.narrowest_percent = 100 * layout.narrowest / layout.total;
    return picture;
}

}  // namespace fgread
