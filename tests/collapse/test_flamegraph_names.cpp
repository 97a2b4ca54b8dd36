#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "collapse/flamegraph_names.h"
#include "collapse/writers/folded.h"

using namespace fgread;

using Names = std::vector<std::string>;

// All expectations are what stackcollapse-perf.pl made of a line "  1000 NAME (/bin/x)".
TEST_CASE("parameters go, template arguments stay") {
    CHECK(flamegraph_names("work::run<int>(unsigned long)", false) == Names{"work::run<int>"});
    CHECK(flamegraph_names("main", false) == Names{"main"});
    CHECK(flamegraph_names("f(int (*)(char)) const", false) == Names{"f"});
    CHECK(flamegraph_names("S::operator()(int) const", false) == Names{"S::operator"});
}

TEST_CASE("an anonymous namespace is no parameter list, but at the beginning it costs the frame") {
    CHECK(flamegraph_names("a::(anonymous namespace)::f(int)", false) ==
          Names{"a::(anonymous namespace)::f"});
    CHECK(flamegraph_names("(anonymous namespace)::f(int)", false).empty());
}

TEST_CASE("a Go method keeps its receiver") {
    CHECK(flamegraph_names("net/http.(*Client).Do", false) == Names{"net/http.(*Client).Do"});
    CHECK(flamegraph_names("net/http.(*Client)", false) == Names{"net/http."});
}

TEST_CASE("quotes vanish") {
    CHECK(flamegraph_names("RegExp:[&<>\"']", false) == Names{"RegExp:[&<>]"});
    CHECK(flamegraph_names("a::{lambda()#1}::operator()", false) == Names{"a::{lambda"});
}

TEST_CASE("arrows part inlined frames") {
    CHECK(flamegraph_names("a->b->c", false) == Names{"a", "b_[i]", "c_[i]"});
    CHECK(flamegraph_names("a->b_[i]", false) == Names{"a", "b_[i]"});
    CHECK(flamegraph_names("P::operator->", false) == Names{"P::operator"});
    CHECK(flamegraph_names("P::operator->(int) const", false) == Names{"P::operator", "_[i]"});
}

TEST_CASE("Java's class names lose their L where the process is java") {
    CHECK(flamegraph_names("Lorg/x/Y:::call(Lorg/Z:)V", true) == Names{"org/x/Y:::call"});
    CHECK(flamegraph_names("Lorg/x/Y:::call", false) == Names{"Lorg/x/Y:::call"});
    CHECK(flamegraph_names("Loop", true) == Names{"Loop"});
}

TEST_CASE("a tree keeps its roots and its weight") {
    FrameNames names;
    NameTree tree;
    const auto add = [&](const Names& stack, std::uint64_t weight) {
        StackId at = no_stack;
        for (const std::string& name : stack) at = tree.stacks.child(at, names.intern(name));
        tree.weights.resize(tree.stacks.size());
        tree.weights[at] += weight;
    };
    add({"a'b", "f(int)", "(anonymous namespace)::g()"}, 1);
    add({"a'b", "f(char)"}, 2);
    add({"java_x", "La/B:::f"}, 4);
    std::string text;
    write_folded(flamegraph_tree(tree, names), names, [&](std::string_view piece) {
        text += piece;
        return true;
    });
    CHECK(text == "a'b;f 3\njava_x;a/B:::f 4\n");
}
