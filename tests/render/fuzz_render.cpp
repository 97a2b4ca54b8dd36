// Any bytes as folded text, drawn in every form. What comes out is well-formed as far as it can be
// told without a parser, and within its bounds.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "render/diff.h"
#include "render/folded_reader.h"
#include "render/html_writer.h"
#include "render/palette.h"
#include "render/svg_writer.h"

namespace {

using namespace fgread;

void require(bool condition) {
    if (!condition) std::abort();
}

std::size_t count_of(std::string_view text, std::string_view part) {
    std::size_t count = 0;
    for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++count;
    return count;
}

void draw(const FrameTree& tree, const PictureOptions& options) {
    std::string text;
    const TextSink sink = [&](std::string_view piece) {
        text += piece;
        return true;
    };
    const Picture svg = write_svg(tree, options, sink);
    require(svg.written && text.ends_with("</svg>\n"));
    require(count_of(text, "<g data-x") == svg.frames);
    require(count_of(text, "<script") == (svg.empty ? 0 : 1));
    for (const char byte : text) require(byte == '\n' || static_cast<unsigned char>(byte) >= 0x20);
    text.clear();
    require(write_html(tree, options, sink).written);
    require(count_of(text, "<script") == 3 && count_of(text, "<!--") == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    std::string text;
    for (std::size_t i = 1; i < size; ++i) text.push_back(static_cast<char>(data[i]));
    const unsigned flags = data[0];
    FoldedOptions folded;
    folded.strip_hex = (flags & 1) != 0;
    folded.chain_graph = (flags & 2) != 0;
    FrameTree tree((flags & 4) != 0);
    FoldedReader reader(tree, folded);
    const std::size_t half = text.size() / 2;
    reader.feed(std::string_view(text).substr(0, half));
    reader.feed(std::string_view(text).substr(half));
    reader.finish();
    require(tree.size() <= text.size() + 1);

    PaletteMap palette;
    palette.read(text);
    PictureOptions options;
    options.title = options.subtitle = options.count_name = options.font = text.substr(0, 40);
    options.palette = (flags & 8) != 0 ? &palette : nullptr;
    options.inverted = (flags & 16) != 0;
    options.max_size = (flags & 32) != 0 ? 2000 : 0;
    draw(tree, options);
    if (!tree.keeps_order()) draw(reversed(tree), options);

    std::string lines;
    write_folded_diff(tree, [&](std::string_view piece) {
        lines += piece;
        return true;
    });
    (void)change_table(tree, {});
    return 0;
}
