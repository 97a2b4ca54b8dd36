#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "collapse/stack_trie.h"
#include "tests/collapse/random.h"

using namespace fgread;
using fgread::testing::Random;

namespace {

std::vector<std::uint32_t> path(const StackTrie& trie, StackId leaf) {
    std::vector<std::uint32_t> labels;
    for (StackId at = leaf; at != no_stack; at = trie[at].parent) labels.push_back(trie[at].label);
    std::reverse(labels.begin(), labels.end());
    return labels;
}

StackId add(StackTrie& trie, const std::vector<std::uint32_t>& labels) {
    StackId at = no_stack;
    for (const std::uint32_t label : labels) at = trie.child(at, label);
    return at;
}

}  // namespace

TEST_CASE("equal stacks are one node, however often they come") {
    StackTrie trie;
    const StackId first = add(trie, {0, 1, 2});
    CHECK(trie.size() == 3);
    CHECK(add(trie, {0, 1, 2}) == first);
    CHECK(trie.size() == 3);
    CHECK(path(trie, first) == std::vector<std::uint32_t>{0, 1, 2});
}

TEST_CASE("stacks share what they have in common from the root on, and nothing else") {
    StackTrie trie;
    const StackId left = add(trie, {0, 1, 2});
    const StackId right = add(trie, {0, 3, 2});
    CHECK(trie.size() == 5);
    CHECK(left != right);
    CHECK(trie[trie[left].parent].parent == trie[trie[right].parent].parent);
}

TEST_CASE("a root and a child of the same label are different") {
    StackTrie trie;
    const StackId root = trie.root(7);
    const StackId child = trie.child(root, 7);
    CHECK(root != child);
    CHECK(trie[root].parent == no_stack);
    CHECK(trie[child].parent == root);
    CHECK(trie.root(7) == root);
}

TEST_CASE("a recursion is as many nodes as it is deep") {
    StackTrie trie;
    StackId at = trie.root(0);
    for (int i = 0; i < 1000; ++i) at = trie.child(at, 5);
    CHECK(trie.size() == 1001);
    CHECK(path(trie, at).size() == 1001);
}

TEST_CASE("a parent has a smaller number than its children") {
    StackTrie trie;
    Random random(2);
    for (int i = 0; i < 2000; ++i) {
        std::vector<std::uint32_t> labels(1 + random.below(30));
        for (std::uint32_t& label : labels) label = random.below(4);
        add(trie, labels);
    }
    for (StackId id = 0; id < trie.size(); ++id) {
        if (trie[id].parent != no_stack) REQUIRE(trie[id].parent < id);
    }
}

TEST_CASE("a stack trie keeps its numbers while it grows") {
    StackTrie trie;
    std::map<std::vector<std::uint32_t>, StackId> known;
    Random random(3);
    for (int i = 0; i < 50'000; ++i) {
        std::vector<std::uint32_t> labels(1 + random.below(6));
        for (std::uint32_t& label : labels) label = random.below(30);
        const StackId id = add(trie, labels);
        const auto [entry, added] = known.try_emplace(labels, id);
        REQUIRE(entry->second == id);
        if (added) REQUIRE(path(trie, id) == labels);
    }
}

TEST_CASE("stacks beyond a count are forgotten, those before it keep their numbers") {
    StackTrie trie;
    const StackId root = trie.root(7);
    for (std::uint32_t i = 0; i < 5'000; ++i) trie.child(root, i);
    trie.cut_to(100);
    CHECK(trie.size() == 100);
    CHECK(trie.child(root, 98) == 99);
    CHECK(trie.child(root, 4'000) == 100);
    trie.cut_to(0);
    CHECK(trie.root(8) == 0);
}

TEST_CASE(
    "a stack whose outer half is known goes on from there, also where numbers were taken back") {
    StackTrie trie;
    const StackId first = add(trie, {0, 1, 2, 3});
    const StackId other = add(trie, {0, 1, 4, 5});
    CHECK(add(trie, {0, 1, 2, 3, 6}) == 6);
    trie.cut_to(5);  // in the middle of the second
    CHECK(add(trie, {0, 1, 2, 3}) == first);
    CHECK(add(trie, {0, 1, 2, 3, 6}) == 5);
    CHECK(add(trie, {0, 1, 4, 5}) == 6);
    CHECK(other == 5);
    CHECK(path(trie, 6) == std::vector<std::uint32_t>{0, 1, 4, 5});
}

TEST_CASE("a stack of 100,000 frames is no problem") {
    StackTrie trie;
    StackId at = trie.root(0);
    for (std::uint32_t i = 1; i < 100'000; ++i) at = trie.child(at, i);
    CHECK(trie.size() == 100'000);
    CHECK(path(trie, at).size() == 100'000);
}

TEST_CASE("a label may be any number") {
    StackTrie trie;
    const StackId root = trie.root(0xffffffff);
    const StackId child = trie.child(root, 0xffffffff);
    CHECK(trie[child].label == 0xffffffff);
    CHECK(trie.root(0) != root);
}
