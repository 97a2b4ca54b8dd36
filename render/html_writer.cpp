#include "render/html_writer.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "render/append_format.h"
#include "render/assets.h"
#include "render/diff.h"
#include "render/text_escape.h"

namespace fgread {

namespace {

// Bytes of a frame's entries in the arrays, 25 to 60 by the size of the weights.
constexpr std::size_t frame_bytes = 55;

// Functions in the table; the rest is below what anybody scrolls to.
constexpr std::size_t max_functions = 1000;

class HtmlWriter {
public:
    HtmlWriter(const FrameTree& tree, const PictureOptions& options, const Layout& layout,
               const TextSink& sink)
        : tree_(tree), options_(options), layout_(layout), out_(sink) {}

    bool write() {
        put_head();
        put("<script type=\"application/json\" id=\"profile\">\n{");
        put_settings();
        put_nodes();
        put_functions();
        put_names();
        put("}\n</script>\n<script>\n");
        put(assets::vendor_js);
        put("</script>\n<script>\n");
        put(assets::page_js);
        put("</script>\n</body>\n</html>\n");
        return out_.flush();
    }

private:
    void put(std::string_view text) { out_.text += text; }

    void put_xml(std::string_view text) { append_xml(out_.text, printable(text)); }

    void put_head() {
        put("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>");
        put_xml(options_.title);
        put("</title>\n<style>\n");
        put(assets::page_css);
        put("</style>\n</head>\n<body>\n<noscript>This page draws its flame graph with a script, "
            "and scripts are switched off.</noscript>\n");
    }

    void put_string(std::string_view key, std::string_view text) {
        append_format(out_.text, "\"{}\":", key);
        append_json(out_.text, printable(text));
        put(",\n");
    }

    void put_settings() {
        put_string("title", options_.title);
        put_string("subtitle", options_.subtitle);
        put_string("count", options_.count_name);
        put_string("nameType", options_.name_type);
        put_string("background", options_.background);
        put_string("font", options_.font);
        append_format(out_.text,
                      "\"fontSize\":{},\n\"frameHeight\":{},\n\"width\":{},\n\"factor\":{},\n"
                      "\"inverted\":{},\n\"differential\":{},\n\"total\":{},\n",
                      options_.font_size, options_.frame_height, options_.width, options_.factor,
                      options_.inverted, tree_.is_differential(), layout_.total);
    }

    // "KEY":[VALUE(0),VALUE(1),...],
    template <class Value>
    void put_array(std::string_view key, std::size_t size, Value&& value) {
        append_format(out_.text, "\"{}\":[", key);
        for (std::size_t i = 0; i < size; ++i) {
            if (i != 0) out_.text += ',';
            value(i);
            if (!out_.flush_if_large()) return;
        }
        put("],\n");
    }

    void put_number(double value) { append_format(out_.text, "{}", value); }

    // Number of a name among those of the page; what is shown alike is one.
    std::size_t page_name(FrameNameId name) {
        const auto known = page_names_.find(name);
        if (known != page_names_.end()) return known->second;
        page_names_.emplace(name, shown_.size());
        shown_.push_back(name);
        return shown_.size() - 1;
    }

    void put_nodes() {
        const std::vector<Box>& boxes = layout_.boxes;
        std::vector<std::size_t> parents;
        std::vector<std::size_t> path;
        for (std::size_t i = 0; i < boxes.size(); ++i) {
            path.resize(boxes[i].depth);
            parents.push_back(path.empty() ? 0 : path.back());
            path.push_back(i);
        }
        put_array("parents", boxes.size(),
                  [&](std::size_t i) { append_format(out_.text, "{}", parents[i]); });
        put_array("frames", boxes.size(), [&](std::size_t i) {
            // The root has no name: -1.
            if (boxes[i].node == tree_root)
                out_.text += "-1";
            else
                append_format(out_.text, "{}", page_name(tree_[boxes[i].node].name));
        });
        put_array("values", boxes.size(), [&](std::size_t i) { put_number(boxes[i].width); });
        put_array("selves", boxes.size(), [&](std::size_t i) { put_number(boxes[i].self); });
        if (!tree_.is_differential()) return;
        const double sign = options_.negate ? -1 : 1;
        put_array("changes", boxes.size(),
                  [&](std::size_t i) { put_number(sign * boxes[i].change); });
        put_array("selfChanges", boxes.size(),
                  [&](std::size_t i) { put_number(sign * boxes[i].self_change); });
        put_array("fills", boxes.size(), [&](std::size_t i) {
            append_json(out_.text, hex(frame_color(tree_, layout_, boxes[i], options_)));
        });
    }

    // Of all functions, those too narrow to be drawn included.
    void put_functions() {
        std::vector<FunctionWeights> functions = function_weights(tree_);
        const bool changes = tree_.is_differential();
        const auto weight = [&](const FunctionWeights& function) {
            if (!changes) return function.self_after;
            return std::max(std::abs(function.self_after - function.self_before),
                            std::abs(function.total_after - function.total_before));
        };
        std::sort(functions.begin(), functions.end(),
                  [&](const FunctionWeights& a, const FunctionWeights& b) {
                      if (weight(a) != weight(b)) return weight(a) > weight(b);
                      if (a.total_after != b.total_after) return a.total_after > b.total_after;
                      return tree_.name(a.name) < tree_.name(b.name);
                  });
        if (functions.size() > max_functions) functions.resize(max_functions);
        const double sign = options_.negate ? -1 : 1;
        put_array("functions", functions.size(), [&](std::size_t i) {
            const FunctionWeights& function = functions[i];
            append_format(out_.text, "[{},{},{}", page_name(function.name), function.self_after,
                          function.total_after);
            if (changes) {
                append_format(out_.text, ",{},{}",
                              sign * (function.self_after - function.self_before),
                              sign * (function.total_after - function.total_before));
            }
            out_.text += ']';
        });
    }

    // Last, when it is known which there are.
    void put_names() {
        put_array("names", shown_.size(), [&](std::size_t i) {
            append_json(out_.text, shown_name(tree_.name(shown_[i])));
        });
        put_array("colors", tree_.is_differential() ? 0 : shown_.size(), [&](std::size_t i) {
            append_json(out_.text, hex(name_color(tree_.name(shown_[i]), options_)));
        });
        put("\"version\":1");
    }

    const FrameTree& tree_;
    const PictureOptions& options_;
    const Layout& layout_;
    PendingText out_;
    std::unordered_map<FrameNameId, std::size_t> page_names_;
    std::vector<FrameNameId> shown_;
};

}  // namespace

Picture write_html(const FrameTree& tree, const PictureOptions& options, const TextSink& sink) {
    const Layout layout = picture_layout(tree, options, frame_bytes, 1);
    Picture picture = picture_of(layout);
    picture.written = HtmlWriter(tree, options, layout, sink).write();
    return picture;
}

}  // namespace fgread
