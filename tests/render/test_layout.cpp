#include <doctest/doctest.h>

#include <string>

#include "folded_text.h"
#include "render/layout.h"

using namespace fgread;

namespace {

// "depth name x+width" of each box.
std::string shown(const FrameTree& tree, const Layout& layout) {
    std::string text;
    for (const Box& box : layout.boxes) {
        text += std::to_string(box.depth) + " " +
                (box.node == tree_root ? "all" : std::string(tree.name(tree[box.node].name))) +
                " " + shown_count(box.x) + "+" + shown_count(box.width) + "\n";
    }
    return text;
}

std::string shown(const FrameTree& tree, const LayoutOptions& options = {}) {
    return shown(tree, make_layout(tree, options));
}

std::size_t one(std::string_view) { return 1; }

}  // namespace

TEST_CASE("siblings stand in the order of their names, behind their parent's own weight") {
    CHECK(shown(tree_of("m;b 3\nm 2\nm;a 4\nm;a;c 1\n")) ==
          "0 all 0+10\n1 m 0+10\n2 a 2+5\n3 c 6+1\n2 b 7+3\n");
}

TEST_CASE("narrow frames leave their place empty") {
    LayoutOptions options;
    options.min_share = 0.1;
    CHECK(shown(tree_of("m;a 1\nm;b 9\nm;c 10\nm;b;d 1\n"), options) ==
          "0 all 0+21\n1 m 0+21\n2 b 1+10\n2 c 11+10\n");
}

TEST_CASE("a frame as wide as the least width is drawn, one without width never") {
    LayoutOptions options;
    options.min_share = 0.25;
    CHECK(shown(tree_of("a 1\nb 3\nc 0\n"), options) == "0 all 0+4\n1 a 0+1\n1 b 1+3\n");
    options.min_share = 0;
    CHECK(shown(tree_of("a 1\nc 0\n"), options) == "0 all 0+1\n1 a 0+1\n");
}

TEST_CASE("what is too deep is left out and counted") {
    LayoutOptions options;
    options.max_depth = 2;
    const FrameTree tree = tree_of("a;b;c;d 1\na;b;e 1\n");
    const Layout layout = make_layout(tree, options);
    CHECK(shown(tree, layout) == "0 all 0+2\n1 a 0+2\n2 b 0+2\n");
    CHECK(layout.left_out_for_depth == 2);
    CHECK(layout.levels == 3);
}

TEST_CASE("the narrowest go where the cost is limited, never a parent before its child") {
    LayoutOptions options;
    options.cost = one;
    options.max_cost = 3;
    const FrameTree tree = tree_of("a;b 5\nc 3\nd 2\n");
    const Layout layout = make_layout(tree, options);
    CHECK(shown(tree, layout) == "0 all 0+10\n1 a 0+5\n2 b 0+5\n1 c 5+3\n");
    CHECK(layout.left_out_for_cost == 1);
    CHECK(layout.narrowest == 3);
    options.max_cost = 1;
    CHECK(shown(tree, options) == "0 all 0+10\n1 a 0+5\n");
    options.max_cost = 4;
    CHECK(make_layout(tree, options).left_out_for_cost == 0);
}

TEST_CASE("a tree without weight has no boxes") {
    CHECK(make_layout(FrameTree(), {}).boxes.empty());
    CHECK(make_layout(tree_of("a 0\n"), {}).boxes.empty());
}

TEST_CASE("changes are known with and without the children") {
    const FrameTree tree = tree_of("a 5 2\na;b 1 9\n");
    const Layout layout = make_layout(tree, {});
    CHECK(layout.boxes[1].change == 5);
    CHECK(layout.boxes[1].self_change == -3);
    CHECK(layout.greatest_change == 8);
    CHECK(layout.greatest_self_change == 8);
}

TEST_CASE("a flame chart keeps time") {
    FrameTree tree(true);
    FoldedReader reader(tree);
    reader.feed("m 1\nm;b 2\nm 3\nm;a 4\nm;b 5\n");
    reader.finish();
    CHECK(shown(tree) == "0 all 0+15\n1 m 0+15\n2 b 1+2\n2 a 6+4\n2 b 10+5\n");
}

TEST_CASE("a stack of a million frames needs no deep recursion") {
    FrameTree tree;
    const FrameNameId name = tree.intern("f");
    TreeNodeId node = tree_root;
    for (int i = 0; i < 1'000'000; ++i) node = tree.child(node, name);
    tree.add(node, Side::after, 1);
    const Layout layout = make_layout(tree, {});
    CHECK(layout.levels == LayoutOptions{}.max_depth + 1);
    CHECK(layout.left_out_for_depth == 1);
}
