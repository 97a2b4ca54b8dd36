#include <doctest/doctest.h>

#include <vector>

#include "collapse/name_trie.h"
#include "tests/collapse/random.h"

using namespace fgread;
using fgread::testing::Random;

TEST_CASE("first and other children are found again") {
    NameTrie trie;
    const StackId root = trie.root(7);
    const StackId first = trie.child(root, 7);
    const StackId second = trie.child(root, 8);
    CHECK(trie.size() == 3);
    CHECK(trie.root(7) == root);
    CHECK(trie.child(root, 7) == first);
    CHECK(trie.child(root, 8) == second);
    CHECK(trie[second].parent == root);
    CHECK(trie[second].label == 8);
    CHECK(trie[trie.root(8)].parent == no_stack);
    CHECK(trie.size() == 4);
}

TEST_CASE("a name trie has the stacks of a stack trie, by the same numbers") {
    NameTrie names;
    StackTrie stacks;
    Random random(4);
    for (int i = 0; i < 50'000; ++i) {
        StackId name = no_stack, stack = no_stack;
        for (std::uint32_t depth = 1 + random.below(6); depth > 0; --depth) {
            const std::uint32_t label = random.below(30);
            name = names.child(name, label);
            stack = stacks.child(stack, label);
            REQUIRE(name == stack);
        }
    }
    REQUIRE(names.size() == stacks.size());
    for (StackId id = 0; id < names.size(); ++id) REQUIRE(names[id] == stacks[id]);
}

TEST_CASE("a node may have any number of children, and a path any length") {
    NameTrie trie;
    const StackId root = trie.root(0);
    for (std::uint32_t label = 0; label < 100'000; ++label) trie.child(root, label);
    StackId at = root;
    for (int i = 0; i < 100'000; ++i) at = trie.child(at, 0);
    CHECK(trie.size() == 1 + 100'000 + 99'999);
    CHECK(trie.child(root, 99'999) == 100'000);
}
