#include "render/svg_writer.h"

#include <fmt/format.h>

#include <cmath>
#include <string>
#include <string_view>

#include "render/append_format.h"
#include "render/assets.h"
#include "render/text_escape.h"

namespace fgread {

namespace {

// What a frame costs besides its name, which stands in it up to twice. Measured: 150 to 190 bytes.
constexpr std::size_t frame_bytes = 185;

// What may not stand in a font's name inside a style sheet.
constexpr std::string_view css_markup = "<>{};\\&\n";

std::string number(double value) {
    std::string text = fmt::format("{:.2f}", value);
    while (text.ends_with('0')) text.pop_back();
    if (text.ends_with('.')) text.pop_back();
    return text == "-0" ? "0" : text;
}

// Exact and short, as JavaScript reads it.
std::string exact(double value) { return fmt::format("{}", value); }

std::string xml(std::string_view text) {
    std::string escaped;
    append_xml(escaped, printable(text));
    return escaped;
}

// The script cuts the counts off a hint at its last " (".
std::string without_parentheses(std::string text) {
    for (char& byte : text) {
        if (byte == '(') byte = '[';
        if (byte == ')') byte = ']';
    }
    return text;
}

class SvgWriter {
public:
    SvgWriter(const FrameTree& tree, const PictureOptions& options, const Layout& layout,
              const TextSink& sink)
        : tree_(tree), options_(options), layout_(layout), out_(sink) {
        width_ = options.width == 0 ? default_picture_width : options.width;
        top_ = options.font_size * (options.subtitle.empty() ? 3 : 4.5);
        const double bottom = options.font_size * 2 + 10;
        const std::uint32_t levels = layout.boxes.empty() ? 1 : layout.levels;
        height_ = std::ceil(top_ + 1.0 * levels * options.frame_height + bottom);
        scale_ = (width_ - 2.0 * picture_padding) / (layout.total > 0 ? layout.total : 1);
        count_name_ = without_parentheses(printable(options.count_name));
    }

    bool write() {
        put_head();
        put_background(0, height_);
        put("<g id=\"frames\">\n");
        for (const Box& box : layout_.boxes) {
            put_frame(box);
            if (!out_.flush_if_large()) return false;
        }
        put("</g>\n");
        put_words();
        put("<script type=\"text/ecmascript\"><![CDATA[\n");
        put(assets::flamegraph_js);
        put("]]></script>\n</svg>\n");
        return out_.flush();
    }

    bool write_message(std::string_view message) {
        put_head();
        put_background(0, height_);
        print("<text x=\"{}\" y=\"{}\">{}</text>\n</svg>\n", picture_padding,
              number(height_ / 2 + options_.font_size * 0.36), message);
        return out_.flush();
    }

private:
    void put(std::string_view text) { out_.text += text; }

    template <class... Values>
    void print(fmt::format_string<Values...> format, Values&&... values) {
        append_format(out_.text, format, std::forward<Values>(values)...);
    }

    void put_head() {
        put("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        print(
            R"(<svg xmlns="http://www.w3.org/2000/svg" version="1.1" width="{0}" height="{1}" )"
            R"(viewBox="0 0 {0} {1}" data-pad="{2}" data-frame-height="{3}" data-font-size="{4}" )"
            R"(data-fluid="{5}" data-inverted="{6}" data-name-type="{7}" data-title="{8}">)",
            width_, number(height_), picture_padding, options_.frame_height,
            number(options_.font_size), options_.width == 0 ? 1 : 0, options_.inverted ? 1 : 0,
            xml(options_.name_type), xml(options_.title));
        print("\n<title>{}</title>\n<style type=\"text/css\"><![CDATA[\n", xml(options_.title));
        put(assets::flamegraph_css);
        std::string font = printable(options_.font);
        std::erase_if(font, [](char byte) { return css_markup.find(byte) != css_markup.npos; });
        print("text {{ font-family: {}; font-size: {}px; }}\n#title {{ font-size: {}px; }}\n", font,
              number(options_.font_size), number(options_.font_size + 5));
        put("]]></style>\n");
    }

    // Over the frames: a browser keeps both in view when the frames are scrolled.
    void put_words() {
        put("<g id=\"head\">\n");
        put_background(0, top_ - 4);
        put_text("title", picture_padding, options_.font_size * 2, xml(options_.title), "");
        if (!options_.subtitle.empty()) {
            put_text("subtitle", picture_padding, options_.font_size * 3.5, xml(options_.subtitle),
                     "");
        }
        const double bottom = options_.font_size * 2 + 4;
        put("</g>\n<g id=\"foot\">\n");
        put_background(height_ - bottom, bottom);
        const double line = height_ - options_.font_size * 0.9;
        put_text("details", picture_padding, line, "", "");
        put_text("matched", width_ - picture_padding, line, "", R"( text-anchor="end")");
        put("</g>\n");
    }

    void put_background(double y, double height) {
        print("<rect class=\"back\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"#ffffff\"{}/>\n",
              number(y), width_, number(height),
              options_.background.empty()
                  ? ""
                  : fmt::format(" style=\"fill: {}\"", xml(options_.background)));
    }

    void put_text(std::string_view id, double x, double y, std::string_view text,
                  std::string_view attributes) {
        print("<text id=\"{}\" x=\"{}\" y=\"{}\"{}>{}</text>\n", id, number(x), number(y),
              attributes, text);
    }

    [[nodiscard]] double y_of(std::uint32_t depth) const {
        const std::uint32_t row = options_.inverted ? depth : layout_.levels - 1 - depth;
        return top_ + 1.0 * row * options_.frame_height;
    }

    [[nodiscard]] std::string info(const Box& box) const {
        std::string text =
            fmt::format("{} {}, ", shown_count(box.width * options_.factor), count_name_);
        text += box.node == tree_root ? "100%" : shown_percent(box.width, layout_.total);
        if (tree_.is_differential() && box.node != tree_root) {
            text += "; " + shown_percent(shown_change(box, options_), layout_.total, true);
        }
        return text;
    }

    void put_frame(const Box& box) {
        const std::string name =
            box.node == tree_root ? "all" : shown_name(tree_.name(tree_[box.node].name));
        const Color color = frame_color(tree_, layout_, box, options_);
        const bool dark = is_dark(color);
        const double x = picture_padding + box.x * scale_;
        const double width = box.width * scale_;
        const double y = y_of(box.depth);
        print("<g data-x=\"{}\" data-w=\"{}\"{}><title>", exact(box.x), exact(box.width),
              dark ? " data-dark=\"1\"" : "");
        append_xml(out_.text, name);
        out_.text += " (";
        append_xml(out_.text, info(box));
        print(")</title><rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\"/>",
              number(x), number(y), number(width), options_.frame_height - 1, hex(color));
        put_label(name, x, y, width, dark);
        put("</g>\n");
    }

    // As much of the name as surely fits; a script measures and does better.
    void put_label(std::string_view name, double x, double y, double width, bool dark) {
        const double letters = (width - 6) / (options_.font_size * options_.font_width);
        if (letters < 3) return;
        const auto room = static_cast<std::size_t>(letters);
        print("<text x=\"{}\" y=\"{}\"{}>", number(x + 4),
              number(y + options_.frame_height / 2.0 - 0.5 + options_.font_size * 0.36),
              dark ? " class=\"light\"" : "");
        if (character_count(name) <= room) {
            append_xml(out_.text, name);
        } else {
            append_xml(out_.text, first_characters(name, room - 1));
            out_.text += "…";
        }
        put("</text>");
    }

    const FrameTree& tree_;
    const PictureOptions& options_;
    const Layout& layout_;
    PendingText out_;
    unsigned width_;
    double height_;
    double top_;
    double scale_;  // pixels per weight
    std::string count_name_;
};

}  // namespace

Picture write_svg(const FrameTree& tree, const PictureOptions& options, const TextSink& sink) {
    const Layout layout = picture_layout(tree, options, frame_bytes, 1);
    Picture picture = picture_of(layout);
    SvgWriter writer(tree, options, layout, sink);
    picture.written = picture.empty ? writer.write_message(
                                          "There is no valid input: no stack with "
                                          "a count was found.")
                                    : writer.write();
    return picture;
}

}  // namespace fgread
