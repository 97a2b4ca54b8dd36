#include <doctest/doctest.h>

#include <string>

#include "folded_text.h"
#include "render/folded_reader.h"

using namespace fgread;

namespace {

struct Counts {
    std::uint64_t valid;
    std::uint64_t invalid;
};

Counts counts_of(std::string_view text) {
    FrameTree tree;
    FoldedReader reader(tree);
    reader.feed(text);
    reader.finish();
    return {reader.valid_lines(), reader.invalid_lines()};
}

}  // namespace

TEST_CASE("equal stacks are added up, in any order of lines") {
    const std::string expected = "a;b 7\na;c 2\na 1\n";
    for (const char* text : {"a;b 3\na;c 2\na;b 4\na 1\n", "a;b 7\na;c 2\na 1"}) {
        const FrameTree tree = tree_of(text);
        CHECK(tree.self(1, Side::after) == 1);
        CHECK(tree.totals(Side::after)[tree_root] == 10);
        CHECK(tree.size() == 4);
    }
    CHECK(stacks_of(tree_of("a;b 3\na;c 2\na;b 4\na 1\n")) == "a 1\na;b 7\na;c 2\n");
}

TEST_CASE("a frame whose name begins like the one before it is another frame") {
    CHECK(stacks_of(tree_of("main;read 1\nmain;read_all 2\nmain;re 3\nmainly 4\nmain 5\n")) ==
          "main 5\nmain;read 1\nmain;read_all 2\nmain;re 3\nmainly 4\n");
}

TEST_CASE("the text may come in pieces of any size") {
    const std::string text = "one;two 1\r\none;three 20\n\none;two 300";
    const std::string whole = stacks_of(tree_of(text));
    for (std::size_t size = 1; size < text.size(); ++size) {
        FrameTree tree;
        FoldedReader reader(tree);
        for (std::size_t at = 0; at < text.size(); at += size) reader.feed(text.substr(at, size));
        reader.finish();
        CHECK(stacks_of(tree) == whole);
        CHECK(reader.valid_lines() == 3);
    }
}

TEST_CASE("blanks in names and fractions in weights are kept") {
    CHECK(stacks_of(tree_of("a b;operator new 1.5\n")) == "a b;operator new 1.5\n");
    CHECK(stacks_of(tree_of("a;b \t 12\n")) == "a;b 12\n");
}

TEST_CASE("empty frames inside are frames, those at the end are not") {
    CHECK(stacks_of(tree_of("a;;b; 3\n")) == "a;;b 3\n");
    CHECK(tree_of(" 5\n").self(tree_root, Side::after) == 5);
}

TEST_CASE("lines that are not of the form are counted") {
    CHECK(counts_of("").invalid == 0);
    CHECK(counts_of("\n  \n").invalid == 0);
    for (const char* line : {"a;b", "12", "a;b x", "a;b -1", "a;b 1e3", "a;b inf", "a;b 1.2.3",
                             "a;b 0x10", "a;b +1", "a;b .5", "a;b 99999999999999999999999"}) {
        CAPTURE(line);
        CHECK(counts_of(line).valid == 0);
        CHECK(counts_of(line).invalid == 1);
    }
    const Counts some = counts_of("a 1\nnothing\nb 2\n");
    CHECK(some.valid == 2);
    CHECK(some.invalid == 1);
}

TEST_CASE("a line that is too long is counted, and the next is read") {
    FrameTree tree;
    FoldedReader reader(tree);
    const std::string block(1024 * 1024, 'x');
    for (int i = 0; i < 20; ++i) reader.feed(block);
    reader.feed(" 1\nmain 2\n");
    reader.finish();
    CHECK(reader.invalid_lines() == 1);
    CHECK(stacks_of(tree) == "main 2\n");
}

TEST_CASE("two weights a line are before and after") {
    const FrameTree tree = tree_of("a;b 3 5\na;c 4 0\n");
    CHECK(tree.is_differential());
    CHECK(stacks_of(tree, Side::before) == "a;b 3\na;c 4\n");
    CHECK(stacks_of(tree, Side::after) == "a;b 5\n");
}

TEST_CASE("the first line decides how many weights there are") {
    const FrameTree one = tree_of("a 1\nfunction 7 2\n");
    CHECK_FALSE(one.is_differential());
    CHECK(stacks_of(one) == "a 1\nfunction 7 2\n");
    FrameTree tree;
    FoldedReader two(tree);
    two.feed("a 1 2\nb 3\n");
    two.finish();
    CHECK(two.invalid_lines() == 1);
}

TEST_CASE("addresses in names can be made equal") {
    FoldedOptions options;
    options.strip_hex = true;
    CHECK(stacks_of(tree_of("f_0x12aF;0x 1\nf_0xff;0x 2\nplain 3\n", options)) ==
          "f_0x...;0x 3\nplain 3\n");
}

TEST_CASE("a chain graph marks who woke") {
    FoldedOptions options;
    options.chain_graph = true;
    CHECK(stacks_of(tree_of("read;--;write;main 1\n", options)) ==
          "read;--;write_[w];main_[w] 1\n");
}
