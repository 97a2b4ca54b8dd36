#include <doctest/doctest.h>

#include <string>

#include "folded_text.h"
#include "render/diff.h"

using namespace fgread;

namespace {

FrameTree comparison(std::string_view before, std::string_view after) {
    FrameTree tree;
    FoldedReader left(tree, {Side::before, false});
    left.feed(before);
    left.finish();
    FoldedReader right(tree, {Side::after, false});
    right.feed(after);
    right.finish();
    return tree;
}

std::string folded(const FrameTree& tree) {
    std::string text;
    CHECK(write_folded_diff(tree, [&](std::string_view piece) {
        text += piece;
        return true;
    }));
    return text;
}

}  // namespace

TEST_CASE("each stack of either side is a line with both weights") {
    CHECK(folded(comparison("a;b 3\na;c 1\nz 9\n", "a;b 5\na 2\na;d 4\n")) ==
          "a 0 2\na;b 3 5\na;c 1 0\na;d 0 4\nz 9 0\n");
}

TEST_CASE("what is written is read back the same") {
    const std::string text = "a 0 2\na;b 3 5\n";
    CHECK(folded(tree_of(text)) == text);
}

TEST_CASE("the sum before is made that after, rounded down") {
    FrameTree tree = comparison("a 10\nb 5\n", "a 10\nb 12\nc 8\n");
    normalize(tree);
    CHECK(folded(tree) == "a 20 10\nb 10 12\nc 0 8\n");
    FrameTree thirds = comparison("a 1\nb 2\n", "a 1\n");
    normalize(thirds);
    CHECK(folded(thirds) == "a 0 1\nb 0 0\n");
    FrameTree nothing = comparison("", "a 1\n");
    normalize(nothing);
    CHECK(folded(nothing) == "a 0 1\n");
}

TEST_CASE("a function's total counts a stack once, however often it is in it") {
    const FrameTree tree = comparison("f;g;f 2\nf 3\n", "g;f;f 7\n");
    const std::vector<FunctionWeights> functions = function_weights(tree);
    const FunctionWeights& f = functions[0];
    CHECK(tree.name(f.name) == "f");
    CHECK(f.self_before == 5);
    CHECK(f.total_before == 5);
    CHECK(f.self_after == 7);
    CHECK(f.total_after == 7);
    CHECK(functions[1].total_before == 2);
    CHECK(functions[1].self_after == 0);
}

TEST_CASE("the table says who gained and lost most") {
    const std::string table = change_table(
        comparison("m;a 10\nm;b 20\nm;c 5\n", "m;a 40\nm;b 8\nm;c 5\nm;d 1\n"), {1, "samples"});
    CHECK(table ==
          "samples: 35 before, 54 after (+54.29%)\n"
          "\n"
          "Functions by themselves (self)\n"
          "           before           after          change    of all  function\n"
          "  gained\n"
          "               10              40             +30   +55.56%  a\n"
          "  ... and 1 more\n"
          "  lost\n"
          "               20               8             -12   -22.22%  b\n"
          "\n"
          "Functions with all that they call (total)\n"
          "           before           after          change    of all  function\n"
          "  gained\n"
          "               10              40             +30   +55.56%  a\n"
          "  ... and 2 more\n"
          "  lost\n"
          "               20               8             -12   -22.22%  b\n");
}

TEST_CASE("equal profiles have nothing in the table") {
    const std::string table = change_table(comparison("a 1\n", "a 1\n"), {});
    CHECK(count_of(table, "    nothing\n") == 4);
}

TEST_CASE("stacks of any depth are compared without recursion") {
    FrameTree tree;
    const FrameNameId name = tree.intern("f");
    TreeNodeId node = tree_root;
    for (int i = 0; i < 300'000; ++i) node = tree.child(node, name);
    tree.add(node, Side::before, 2);
    CHECK(function_weights(tree)[0].total_before == 2);
    CHECK(folded(tree).size() == 600'000 + 4);
}
