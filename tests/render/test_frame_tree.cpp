#include <doctest/doctest.h>

#include <string>

#include "folded_text.h"
#include "render/frame_tree.h"

using namespace fgread;

TEST_CASE("a caller with stacks of its own fills a tree without text") {
    FrameTree tree;
    const FrameNameId main = tree.intern("main");
    const FrameNameId read = tree.intern("read");
    CHECK(tree.intern("main") == main);
    const TreeNodeId root = tree.child(tree_root, main);
    tree.add(tree.child(root, read), Side::after, 3);
    tree.add(tree.child(root, read), Side::after, 4);
    CHECK(tree.size() == 3);
    CHECK(stacks_of(tree) == "main;read 7\n");
    CHECK_FALSE(tree.is_differential());
}

TEST_CASE("many names and nodes are all found again") {
    FrameTree tree;
    for (int round = 0; round < 2; ++round) {
        TreeNodeId node = tree_root;
        for (int i = 0; i < 5000; ++i) {
            if (i % 100 == 0) node = tree_root;
            node = tree.child(node, tree.intern("function_" + std::to_string(i)));
            tree.add(node, Side::after, 1);
        }
    }
    CHECK(tree.name_count() == 5000);
    CHECK(tree.size() == 5001);
    CHECK(tree.name(4321) == "function_4321");
    CHECK(tree.totals(Side::after)[tree_root] == 10000);
}

TEST_CASE("a name longer than a block of text is kept") {
    FrameTree tree;
    const std::string name(300'000, 'n');
    CHECK(tree.name(tree.intern(name)) == name);
    CHECK(tree.name(tree.intern("short")) == "short");
}

TEST_CASE("totals hold the children, of each side alone") {
    const FrameTree tree = tree_of("a 1 10\na;b 2 20\na;b;c 4 0\n");
    CHECK(tree.totals(Side::before)[1] == 7);
    CHECK(tree.totals(Side::after)[1] == 30);
    CHECK(tree.totals(Side::before)[2] == 6);
}

TEST_CASE("reversed stacks are merged from their leaves") {
    CHECK(stacks_of(reversed(tree_of("main;a;read 1\nmain;b;read 2\nmain 3\n"))) ==
          "main 3\nread;a;main 1\nread;b;main 2\n");
    const FrameTree both = reversed(tree_of("a;b 1 2\n"));
    CHECK(both.is_differential());
    CHECK(stacks_of(both, Side::before) == "b;a 1\n");
}

TEST_CASE("a tree that keeps the order merges neighbours only, and knows when they began") {
    FrameTree tree(true);
    const FrameNameId a = tree.intern("a");
    const FrameNameId b = tree.intern("b");
    const TreeNodeId first = tree.child(tree_root, a);
    CHECK(tree.child(tree_root, a) == first);
    tree.add(first, Side::after, 5);
    const TreeNodeId second = tree.child(tree_root, b);
    tree.add(second, Side::after, 2);
    const TreeNodeId third = tree.child(tree_root, a);
    CHECK(third != first);
    CHECK(tree.start(second) == 5);
    CHECK(tree.start(third) == 7);
}
