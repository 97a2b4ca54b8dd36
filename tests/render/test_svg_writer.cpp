#include <doctest/doctest.h>

#include <string>

#include "folded_text.h"
#include "render/svg_writer.h"

using namespace fgread;

namespace {

std::string svg(std::string_view text, const PictureOptions& options = {}) {
    return text_of(write_svg, tree_of(text), options);
}

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

// The frame called `name`, from its <g> to its </g>.
std::string frame(const std::string& text, const std::string& name) {
    const std::size_t title = text.find("<title>" + name + " (");
    if (title == std::string::npos) return "";
    const std::size_t begin = text.rfind("<g ", title);
    return text.substr(begin, text.find("</g>", title) - begin);
}

}  // namespace

TEST_CASE("a frame says how wide it is and what it weighs") {
    const std::string text = svg("main;read 1250\nmain;write 3750\n");
    CHECK(frame(text, "read").find("data-x=\"0\" data-w=\"1250\"") != std::string::npos);
    CHECK(has(frame(text, "read"), "read (1,250 samples, 25.00%)"));
    CHECK(has(frame(text, "read"), "width=\"295\""));  // a quarter of 1200 less the padding
    CHECK(has(frame(text, "write"), "x=\"305\""));
    CHECK(has(frame(text, "all"), "all (5,000 samples, 100%)"));
    CHECK(count_of(text, "<g data-x") == 4);
}

TEST_CASE("the root is at the bottom, in an icicle graph on top") {
    const auto y = [](const std::string& part) {
        return std::stod(part.substr(part.find(" y=\"") + 4));
    };
    PictureOptions options;
    const std::string flame = svg("a;b 1\n", options);
    CHECK(y(frame(flame, "a")) > y(frame(flame, "b")));
    options.inverted = true;
    const std::string icicle = svg("a;b 1\n", options);
    CHECK(y(frame(icicle, "a")) < y(frame(icicle, "b")));
}

TEST_CASE("marks are colours, not part of names") {
    const std::string text = svg("read_[k];inner_[i] 1\n");
    CHECK(has(text, "<title>read (1"));
    CHECK(has(text, "<title>inner (1"));
}

TEST_CASE("no name becomes markup or breaks the document") {
    const std::string text = svg("a<b>&\"c'];]]>;</script><!--;bad\xff\x01;\xe2\x80\xa8 1\n");
    CHECK(has(text, "<title>a&lt;b&gt;&amp;&quot;c&#39;] (1 samples"));
    CHECK(has(text, "<title>]]&gt; (1"));
    CHECK(has(text, "&lt;/script&gt;&lt;!-- (1"));
    CHECK(has(text, "bad\xef\xbf\xbd\\x01 (1"));
    CHECK(count_of(text, "]]>") == 2);  // those of the style and the script
    CHECK(count_of(text, "<script") == 1);
}

TEST_CASE("nor does a title, a count's name or a font") {
    PictureOptions options;
    options.title = "<T> & \"x\"";
    options.subtitle = "</text><script>";
    options.count_name = "ns (cpu) <i>";
    options.name_type = "\"'>";
    options.font = "x;} </style> ]]> <b>{";
    const std::string text = svg("a 1\n", options);
    CHECK(has(text, "data-title=\"&lt;T&gt; &amp; &quot;x&quot;\""));
    CHECK(has(text, "&lt;/text&gt;&lt;script&gt;"));
    CHECK(has(text, "a (1 ns [cpu] &lt;i&gt;, 100.00%)"));
    CHECK(count_of(text, "<script") == 1);
    CHECK(count_of(text, "</style>") == 1);
    CHECK(count_of(text, "]]>") == 2);
}

TEST_CASE("long names are clipped to their frame, and there is no letter in a narrow one") {
    const std::string long_name(400, 'n');
    const std::string text = svg(long_name + " 1\nz 999\n");
    CHECK_FALSE(has(frame(text, long_name), "<text"));
    const std::string wide = svg(long_name + " 1\n");
    CHECK(has(frame(wide, long_name), "n…</text>"));
    const std::string endless(5000, 'e');
    CHECK_FALSE(has(svg(endless + " 1\n"), std::string(1001, 'e')));
}

TEST_CASE("frames below the least width are not drawn") {
    PictureOptions options;
    options.min_width = 2;
    const std::string text = "a 1\nb 999\nc 9\n";
    CHECK(frame(svg(text, options), "a").empty());
    CHECK_FALSE(frame(svg(text, options), "c").empty());
    options.min_width = 1;
    options.min_width_is_percent = true;
    CHECK(frame(svg(text, options), "c").empty());
    options.min_width = 0;
    CHECK_FALSE(frame(svg(text, options), "a").empty());
}

TEST_CASE("the document stays below the greatest size, widest frames first") {
    std::string input;
    for (int i = 0; i < 5000; ++i) {
        input += "main;function_number_" + std::to_string(i) + " " + std::to_string(i + 1) + "\n";
    }
    PictureOptions options;
    options.min_width = 0;
    options.max_size = 200'000;
    std::string text;
    const Picture picture = write_svg(tree_of(input), options, [&](std::string_view piece) {
        text += piece;
        return true;
    });
    // Style and script come on top.
    CHECK(text.size() < options.max_size + 30'000);
    CHECK(text.size() > options.max_size / 2);
    CHECK(picture.left_out_for_size > 3000);
    CHECK(picture.narrowest_percent > 0);
    CHECK_FALSE(frame(text, "function_number_4999").empty());
    CHECK(frame(text, "function_number_3").empty());
}

TEST_CASE("a comparison is coloured by its changes") {
    PictureOptions options;
    const std::string input = "a;more 10 30\na;less 30 10\na;same 10 10\n";
    const std::string text = svg(input, options);
    CHECK(has(frame(text, "more"), "fill=\"#ff5448\""));
    CHECK(has(frame(text, "more"), "more (30 samples, 60.00%; +40.00%)"));
    CHECK(has(frame(text, "less"), "fill=\"#548cff\""));
    CHECK(has(frame(text, "same"), "fill=\"#f0f0f0\""));
    options.negate = true;
    CHECK(has(frame(svg(input, options), "more"), "fill=\"#548cff\""));
    CHECK(has(frame(svg(input, options), "more"), "; -40.00%)"));
    options = {};
    options.changes_in_total = true;
    CHECK(has(frame(svg("a;b 1 2\n", options), "a"), "fill=\"#ff5448\""));
    CHECK(has(frame(svg("a;b 1 2\n"), "a"), "fill=\"#f0f0f0\""));
}

TEST_CASE("without weight there is a small picture that says so") {
    std::string text;
    const Picture picture = write_svg(tree_of("nothing\n"), {}, [&](std::string_view piece) {
        text += piece;
        return true;
    });
    CHECK(picture.empty);
    CHECK(has(text, "There is no valid input"));
    CHECK(text.ends_with("</svg>\n"));
}

TEST_CASE("writing stops when the sink wants no more") {
    int calls = 0;
    const Picture picture = write_svg(tree_of("a 1\n"), {}, [&](std::string_view) {
        ++calls;
        return false;
    });
    CHECK_FALSE(picture.written);
    CHECK(calls == 1);
}

TEST_CASE("counts are readable") {
    CHECK(shown_count(0) == "0");
    CHECK(shown_count(999) == "999");
    CHECK(shown_count(1000) == "1,000");
    CHECK(shown_count(1234567.25) == "1,234,567");
    CHECK(shown_count(0.999) == "1");
    CHECK(shown_count(0.25) == "0.25");
    CHECK(shown_count(-1234) == "-1,234");
    CHECK(shown_percent(1, 3) == "33.33%");
    CHECK(shown_percent(1, 4, true) == "+25.00%");
    CHECK(shown_percent(1, 0) == "0.00%");
}

TEST_CASE("a palette gives its colours and learns new ones") {
    PaletteMap map;
    map.read("a->rgb(1,2,3)\n");
    PictureOptions options;
    options.palette = &map;
    const std::string text = svg("a;b 1\n", options);
    CHECK(has(frame(text, "a"), "fill=\"#010203\""));
    CHECK(has(frame(text, "a"), "class=\"light\""));
    CHECK(map.text().find("b->rgb(") != std::string::npos);
}

TEST_CASE("by module, functions without a namespace have their binary's hue") {
    PictureOptions options;
    options.scheme = ColorScheme::module;
    options.binaries = {{"read", "libc.so.6"}, {"ns::run", "prog"}};
    const std::string text = svg("main;ns::run;read 1\n", options);
    CHECK(has(frame(text, "read"), hex(color_in_module("libc.so.6", "read"))));
    CHECK(has(frame(text, "ns::run"), hex(color_in_module("ns", "ns::run"))));
    CHECK(has(frame(text, "main"), hex(color_in_module("", "main"))));
}
