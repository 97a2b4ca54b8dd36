#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "collapse/writers/folded.h"
#include "tests/collapse/random.h"

using namespace fgread;
using fgread::testing::Random;

namespace {

// A NameTree built from stacks given by name.
class Stacks {
public:
    void add(const std::vector<std::string>& stack, std::uint64_t weight) {
        StackId at = no_stack;
        for (const std::string& name : stack) at = tree_.stacks.child(at, names_.intern(name));
        tree_.weights.resize(tree_.stacks.size());
        tree_.weights[at] += weight;
    }

    [[nodiscard]] std::string folded() const {
        std::string out;
        const bool whole = write_folded(tree_, names_, [&](std::string_view text) {
            out += text;
            return true;
        });
        REQUIRE(whole);
        return out;
    }

    [[nodiscard]] const NameTree& tree() const { return tree_; }
    [[nodiscard]] const FrameNames& names() const { return names_; }

private:
    NameTree tree_;
    FrameNames names_;
};

// A Profile whose frames and roots have names, of a recording that is nowhere.
class NamedProfile {
public:
    explicit NamedProfile(std::size_t events = 1) : attrs_(events) {}

    FrameId frame(const std::vector<std::string>& names) {
        const FrameId id =
            profile_.frames.intern({ModuleId{1}, FrameKind::exact, profile_.frames.size()});
        names_.set(id, names);
        return id;
    }
    void root(const std::vector<std::string>& label) { labels_.push_back(label); }
    void sample(std::uint32_t root, const std::vector<FrameId>& frames, std::uint64_t period,
                std::uint32_t event = 0) {
        StackId stack = profile_.stacks.root(root);
        for (const FrameId frame : frames) stack = profile_.stacks.child(stack, frame);
        profile_.weights.push_back({stack, event, 2, period});
    }

    std::string folded(const WeightChoice& choice, unsigned jobs) {
        const FoldedProfile folded{attrs_, processes_, modules_, profile_, names_, labels_,
                                   choice, {},         false,    {},       jobs};
        std::string out;
        const bool whole = write_folded(folded, [&](std::string_view text) {
            out += text;
            return true;
        });
        REQUIRE(whole);
        return out;
    }

private:
    std::vector<EventAttr> attrs_;
    ProcessTable processes_;
    ModuleCache modules_{processes_.mappings(), {}};
    Profile profile_;
    FrameNames names_;
    std::vector<std::vector<std::string>> labels_;
};

// 30 frames, some of them with names inlined, and `samples` stacks of two events in 5 groups.
void fill(NamedProfile& profile, Random& random, int samples) {
    for (const char* name : {"a", "b", "a", "a(", ""}) profile.root({name});
    const std::vector<std::string> names = {"a", "a b", "a(", "a+", "", "ab", "a;b", "b"};
    const auto any_name = [&] {
        return names[random.below(static_cast<std::uint32_t>(names.size()))];
    };
    std::vector<FrameId> frames;
    for (int i = 0; i < 30; ++i) {
        std::vector<std::string> of_frame = {any_name()};
        while (random.below(4) == 0) of_frame.push_back(any_name());
        frames.push_back(profile.frame(of_frame));
    }
    for (int i = 0; i < samples; ++i) {
        std::vector<FrameId> stack(random.below(9));
        for (FrameId& frame : stack) frame = frames[random.below(30)];
        profile.sample(random.below(5), stack, random.below(3), random.below(2));
    }
}

std::string joined(const std::vector<std::string>& stack) {
    std::string key;
    for (const std::string& name : stack) key += name + ";";
    key.pop_back();
    return key;
}

// What `foreach my $k (sort keys %stacks) { print "$k $stacks{$k}\n" }` prints: bytes compare as
// unsigned, a prefix comes first.
std::string sorted_lines(const std::map<std::vector<std::string>, std::uint64_t>& stacks) {
    std::vector<std::pair<std::string, std::uint64_t>> lines;
    for (const auto& [stack, weight] : stacks) {
        if (weight != 0) lines.emplace_back(joined(stack), weight);
    }
    // The keys differ; strings compare as memcmp does.
    std::sort(lines.begin(), lines.end());
    std::string text;
    for (const auto& [key, weight] : lines) text += key + " " + std::to_string(weight) + "\n";
    return text;
}

}  // namespace

TEST_CASE("no stacks, no text") { CHECK(Stacks().folded().empty()); }

TEST_CASE("a stack is its names joined by semicolons, a blank and its weight") {
    Stacks stacks;
    stacks.add({"prog", "main", "work"}, 12);
    CHECK(stacks.folded() == "prog;main;work 12\n");
}

TEST_CASE("a stack inside another one has a line of its own, before it") {
    Stacks stacks;
    stacks.add({"prog", "main", "work"}, 1);
    stacks.add({"prog", "main"}, 2);
    stacks.add({"prog"}, 3);
    CHECK(stacks.folded() == "prog 3\nprog;main 2\nprog;main;work 1\n");
}

TEST_CASE("stacks of weight 0 are left out, those above them are not") {
    Stacks stacks;
    stacks.add({"prog", "main"}, 0);
    stacks.add({"prog", "main", "work"}, 5);
    stacks.add({"prog", "idle"}, 0);
    stacks.add({"other"}, 0);
    CHECK(stacks.folded() == "prog;main;work 5\n");
}

TEST_CASE("weights use all 64 bits") {
    Stacks stacks;
    stacks.add({"prog"}, ~std::uint64_t{0});
    CHECK(stacks.folded() == "prog 18446744073709551615\n");
}

TEST_CASE("what sorts before a semicolon goes between a stack and the stacks above it") {
    // Bytes: ' ' 20, '(' 28, '+' 2b, ':' 3a, ';' 3b, '<' 3c, '_' 5f.
    Stacks stacks;
    for (const char* sibling : {"a", "a b", "a(int)", "a+0x10", "a:b", "a<int>", "a_b", "ab"}) {
        stacks.add({"p", sibling}, 1);
        stacks.add({"p", sibling, "leaf"}, 1);
    }
    CHECK(stacks.folded() ==
          "p;a 1\n"
          "p;a b 1\n"
          "p;a b;leaf 1\n"
          "p;a(int) 1\n"
          "p;a(int);leaf 1\n"
          "p;a+0x10 1\n"
          "p;a+0x10;leaf 1\n"
          "p;a:b 1\n"
          "p;a:b;leaf 1\n"
          "p;a;leaf 1\n"
          "p;a<int> 1\n"
          "p;a<int>;leaf 1\n"
          "p;a_b 1\n"
          "p;a_b;leaf 1\n"
          "p;ab 1\n"
          "p;ab;leaf 1\n");
}

TEST_CASE("bytes above 127 sort after ASCII") {
    Stacks stacks;
    stacks.add({"p", "\xc3\xa9tat"}, 1);
    stacks.add({"p", "zeta"}, 1);
    stacks.add({"p", "\xff"}, 1);
    CHECK(stacks.folded() == "p;zeta 1\np;\xc3\xa9tat 1\np;\xff 1\n");
}

TEST_CASE("an empty name keeps its place between the semicolons") {
    Stacks stacks;
    stacks.add({"", "main"}, 1);
    stacks.add({"", "", "x"}, 2);
    CHECK(stacks.folded() == ";;x 2\n;main 1\n");
}

TEST_CASE("the lines come in the order in which perl sorts the stacks") {
    const std::vector<std::string> names = {"a", "a b", "a(",  "a+", "a<b>", "a:",       "A",
                                            "",  "ab",  "a;b", "_a", "~a",   "\xc3\xa4", "[a]"};
    Random random(4);
    for (int round = 0; round < 50; ++round) {
        Stacks stacks;
        std::map<std::vector<std::string>, std::uint64_t> expected;
        for (int i = 0; i < 300; ++i) {
            std::vector<std::string> stack(1 + random.below(5));
            std::vector<std::string> escaped;
            for (std::string& name : stack) {
                name = names[random.below(static_cast<std::uint32_t>(names.size()))];
                escaped.push_back(escape_frame_name(name));
            }
            // A stack of one empty name has no key to speak of.
            if (joined(stack).empty()) continue;
            const std::uint64_t weight = random.below(4);
            stacks.add(stack, weight);
            expected[escaped] += weight;
        }
        const bool equal = stacks.folded() == sorted_lines(expected);
        REQUIRE(equal);
    }
}

TEST_CASE("a tree 100,000 frames deep is written without recursion") {
    Stacks stacks;
    stacks.add(std::vector<std::string>(100'000, "f"), 1);
    std::string expected = "f";
    for (int i = 1; i < 100'000; ++i) expected += ";f";
    const bool equal = stacks.folded() == expected + " 1\n";
    CHECK(equal);
}

TEST_CASE("100,000 children of one frame are written sorted") {
    Stacks stacks;
    std::map<std::vector<std::string>, std::uint64_t> expected;
    for (int i = 0; i < 100'000; ++i) {
        // NOLINTNEXTLINE(bugprone-implicit-widening-of-multiplication-result)
        const std::vector<std::string> stack = {"p", std::to_string((i * 7919) % 100'003)};
        stacks.add(stack, 1);
        ++expected[stack];
    }
    const bool equal = stacks.folded() == sorted_lines(expected);
    CHECK(equal);
}

TEST_CASE("a sink that wants no more ends the writing") {
    Stacks stacks;
    for (int i = 0; i < 20'000; ++i) {
        stacks.add({"a rather long name of a process", "frame " + std::to_string(i)}, 1);
    }
    int calls = 0;
    const bool whole = write_folded(stacks.tree(), stacks.names(), [&](std::string_view) {
        ++calls;
        return false;
    });
    CHECK_FALSE(whole);
    CHECK(calls == 1);
}

TEST_CASE("the sink gets whole lines in pieces of moderate size") {
    Stacks stacks;
    for (int i = 0; i < 20'000; ++i) {
        stacks.add({"a rather long name of a process", "frame " + std::to_string(i)}, 1);
    }
    std::size_t largest = 0;
    bool whole_lines = true;
    int calls = 0;
    write_folded(stacks.tree(), stacks.names(), [&](std::string_view text) {
        largest = std::max(largest, text.size());
        whole_lines = whole_lines && !text.empty() && text.back() == '\n';
        ++calls;
        return true;
    });
    CHECK(calls > 5);
    CHECK(whole_lines);
    CHECK(largest < 128 * 1024);
}

TEST_CASE("several threads write what one does") {
    Random random(8);
    NamedProfile profile(2);
    fill(profile, random, 20'000);
    for (const WeightChoice& choice :
         {WeightChoice{{true, false}}, WeightChoice{{true, true}, true}}) {
        const std::string expected = profile.folded(choice, 1);
        CHECK(std::count(expected.begin(), expected.end(), '\n') > 2'000);
        for (const unsigned jobs : {2u, 3u, 7u}) {
            const bool equal = profile.folded(choice, jobs) == expected;
            CHECK(equal);
        }
    }
}
