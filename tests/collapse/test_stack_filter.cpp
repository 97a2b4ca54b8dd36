#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "collapse/stack_filter.h"

using namespace fgread;

namespace {

// Stacks 2 "prog;main", 3 "prog;main;work", 5 "other;main", all of weight 1.
struct Example {
    Example() {
        for (FrameId frame = 0; frame < 2; ++frame) {
            profile.frames.intern(Frame{ModuleId{1}, FrameKind::exact, frame});
        }
        names.set(0, {"main"});
        names.set(1, {"work", "inlined(int)"});
        profile.groups.resize(2);
        const StackId prog = profile.stacks.root(0);
        main = profile.stacks.child(prog, 0);
        work = profile.stacks.child(main, 1);
        other = profile.stacks.child(profile.stacks.root(1), 0);
        for (const StackId stack : {main, work, other}) {
            profile.weights.push_back({stack, 0, 1, 1});
        }
    }

    std::vector<StackId> kept(const StackFilter& filter) {
        Profile copy = profile;
        filter_stacks(copy, names, {{"prog"}, {"other"}}, filter);
        std::vector<StackId> stacks;
        for (const StackWeight& weight : copy.weights) stacks.push_back(weight.stack);
        return stacks;
    }

    Profile profile;
    FrameNames names;
    StackId main = 0, work = 0, other = 0;
};

using Ids = std::vector<StackId>;

}  // namespace

TEST_CASE("an expression is found anywhere in the name of any frame") {
    Example example;
    CHECK(example.kept({{"or"}, {}}) == Ids{example.work});
    CHECK(example.kept({{"^main$"}, {}}) == Ids{example.main, example.work, example.other});
    CHECK(example.kept({{"^mai$"}, {}}).empty());
}

TEST_CASE("inlined functions and root frames are frames") {
    Example example;
    CHECK(example.kept({{"inlined\\(int"}, {}}) == Ids{example.work});
    CHECK(example.kept({{"^prog$"}, {}}) == Ids{example.main, example.work});
}

TEST_CASE("several expressions: one is enough; what is excluded stays out") {
    Example example;
    CHECK(example.kept({{"work", "other"}, {}}) == Ids{example.work, example.other});
    CHECK(example.kept({{}, {"work", "other"}}) == Ids{example.main});
    CHECK(example.kept({{"main"}, {"inlined"}}) == Ids{example.main, example.other});
}

TEST_CASE("an invalid expression is named, with the reason") {
    CHECK(check_filter({{"a|b", "x{2}"}, {"[[:alpha:]]+"}}).has_value());
    const Result<void> bad = check_filter({{"good"}, {"(open"}});
    REQUIRE_FALSE(bad.has_value());
    CHECK(bad.error().message.find("--exclude: '(open' is no regular expression") == 0);
}

TEST_CASE("a name of a million letters is matched without recursion") {
    Example example;
    example.names.set(1, {std::string(1'000'000, 'a')});
    CHECK(example.kept({{"^(a|b)*$"}, {}}).size() == 1);
}

TEST_CASE("the samples of the timeline go with their stacks") {
    Example example;
    for (const StackId stack : {example.other, example.work, example.other}) {
        TimelineSample sample;
        sample.stack = stack;
        example.profile.timeline.push_back(sample);
    }
    filter_stacks(example.profile, example.names, {{"prog"}, {"other"}}, {{}, {"work"}});
    REQUIRE(example.profile.timeline.size() == 2);
    CHECK(example.profile.timeline[1].stack == example.other);
}
