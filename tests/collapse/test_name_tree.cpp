#include <doctest/doctest.h>

#include <numeric>
#include <string>
#include <vector>

#include "collapse/name_tree.h"
#include "collapse/writers/folded.h"

using namespace fgread;

namespace {

// A Profile made by hand: frames are numbers, named by the test.
class Recording {
public:
    explicit Recording(std::size_t event_count = 1) { profile_.events.resize(event_count); }

    std::uint32_t group() {
        profile_.groups.emplace_back();
        return static_cast<std::uint32_t>(profile_.groups.size() - 1);
    }
    FrameId frame(const std::vector<std::string>& names) {
        const FrameId id =
            profile_.frames.intern({ModuleId{1}, FrameKind::exact, profile_.frames.size()});
        names_.set(id, names);
        return id;
    }
    void sample(std::uint32_t group, const std::vector<FrameId>& frames, std::uint64_t period,
                std::uint32_t event = 0) {
        StackId stack = profile_.stacks.root(group);
        for (const FrameId frame : frames) stack = profile_.stacks.child(stack, frame);
        profile_.weights.push_back({stack, event, 1, period});
    }

    NameTree tree(const std::vector<std::string>& labels, const WeightChoice& choice = {{true}}) {
        std::vector<std::vector<std::string>> roots;
        for (const std::string& label : labels) roots.push_back({label});
        return build_name_tree(profile_, names_, roots, choice);
    }
    std::string folded(const std::vector<std::string>& labels,
                       const WeightChoice& choice = {{true}}) {
        std::string out;
        write_folded(tree(labels, choice), names_, [&](std::string_view text) {
            out += text;
            return true;
        });
        return out;
    }
    [[nodiscard]] const FrameNames& names() const { return names_; }

private:
    Profile profile_;
    FrameNames names_;
};

std::uint64_t total(const NameTree& tree) {
    return std::accumulate(tree.weights.begin(), tree.weights.end(), std::uint64_t{0});
}

}  // namespace

TEST_CASE("a profile without samples is an empty tree") {
    Recording recording;
    const NameTree tree = recording.tree({});
    CHECK(tree.stacks.size() == 0);
    CHECK(tree.weights.empty());
}

TEST_CASE("different addresses of one function are one node") {
    Recording recording;
    const std::uint32_t prog = recording.group();
    const FrameId main = recording.frame({"main"});
    const FrameId work1 = recording.frame({"work"});
    const FrameId work2 = recording.frame({"work"});
    recording.sample(prog, {main, work1}, 10);
    recording.sample(prog, {main, work2}, 5);
    const NameTree tree = recording.tree({"prog"});
    CHECK(tree.stacks.size() == 3);
    CHECK(recording.folded({"prog"}) == "prog;main;work 15\n");
}

TEST_CASE("groups of one label are one root") {
    Recording recording;
    const std::uint32_t first = recording.group();
    const std::uint32_t second = recording.group();
    const FrameId main = recording.frame({"main"});
    recording.sample(first, {main}, 1);
    recording.sample(second, {main}, 2);
    CHECK(recording.folded({"prog", "prog"}) == "prog;main 3\n");
    CHECK(recording.folded({"prog", "other"}) == "other;main 2\nprog;main 1\n");
}

TEST_CASE("a frame with inlined functions is a chain of nodes") {
    Recording recording;
    const std::uint32_t prog = recording.group();
    const FrameId plain = recording.frame({"main"});
    const FrameId inlined = recording.frame({"main", "sort", "swap"});
    const FrameId leaf = recording.frame({"memcpy"});
    recording.sample(prog, {plain}, 1);
    recording.sample(prog, {inlined}, 2);
    recording.sample(prog, {inlined, leaf}, 4);
    CHECK(recording.folded({"prog"}) ==
          "prog;main 1\nprog;main;sort;swap 2\nprog;main;sort;swap;memcpy 4\n");
}

TEST_CASE("a recursion keeps each of its frames") {
    Recording recording;
    const std::uint32_t prog = recording.group();
    const FrameId fib = recording.frame({"fib"});
    recording.sample(prog, {fib, fib, fib}, 1);
    recording.sample(prog, {fib, fib}, 2);
    CHECK(recording.folded({"prog"}) == "prog;fib;fib 2\nprog;fib;fib;fib 1\n");
}

TEST_CASE("a function named like the process is not the process") {
    Recording recording;
    const std::uint32_t prog = recording.group();
    const FrameId same = recording.frame({"prog"});
    recording.sample(prog, {same}, 1);
    recording.sample(prog, {}, 2);
    CHECK(recording.folded({"prog"}) == "prog 2\nprog;prog 1\n");
}

TEST_CASE("names that differ only in what is escaped are one node") {
    Recording recording;
    const std::uint32_t prog = recording.group();
    recording.sample(prog, {recording.frame({"a;b"})}, 1);
    recording.sample(prog, {recording.frame({"a:b"})}, 2);
    CHECK(recording.folded({"prog"}) == "prog;a:b 3\n");
}

TEST_CASE("group labels are made ready for output") {
    Recording recording;
    recording.sample(recording.group(), {recording.frame({"main"})}, 1);
    CHECK(recording.folded({"my;prog\n"}) == "my:prog\\x0a;main 1\n");
}

TEST_CASE("only the chosen events count, by period or by samples") {
    Recording recording(3);
    const std::uint32_t prog = recording.group();
    const FrameId main = recording.frame({"main"});
    recording.sample(prog, {main}, 100, 0);
    recording.sample(prog, {main}, 20, 1);
    recording.sample(prog, {main}, 3, 2);
    recording.sample(prog, {main}, 3, 2);
    CHECK(recording.folded({"prog"}, {{true, false, false}}) == "prog;main 100\n");
    CHECK(recording.folded({"prog"}, {{false, true, true}}) == "prog;main 26\n");
    CHECK(recording.folded({"prog"}, {{true, true, true}, true}) == "prog;main 4\n");
    CHECK(recording.folded({"prog"}, {{false, false, false}}).empty());
}

TEST_CASE("no weight is lost or doubled when names merge") {
    Recording recording;
    std::vector<std::string> labels;
    for (int i = 0; i < 5; ++i) {
        recording.group();
        labels.push_back(i % 2 == 0 ? "even" : "odd");
    }
    std::vector<FrameId> frames;
    frames.reserve(60);
    for (int i = 0; i < 60; ++i) {
        std::vector<std::string> names = {"f" + std::to_string(i % 6)};
        if (i % 4 == 0) names.push_back("g" + std::to_string(i % 3));
        frames.push_back(recording.frame(names));
    }
    std::uint64_t expected = 0;
    for (std::uint32_t i = 0; i < 3000; ++i) {
        std::vector<FrameId> stack;
        for (std::uint32_t depth = 0; depth < i % 7; ++depth) {
            stack.push_back(frames[(i * 31 + depth * 17) % frames.size()]);
        }
        recording.sample(i % 5, stack, i);
        expected += i;
    }
    CHECK(total(recording.tree(labels)) == expected);
}

TEST_CASE("a profile 100,000 frames deep is named without recursion") {
    Recording recording;
    const std::uint32_t prog = recording.group();
    const FrameId fib = recording.frame({"fib", "add"});
    recording.sample(prog, std::vector<FrameId>(100'000, fib), 7);
    const NameTree tree = recording.tree({"prog"});
    CHECK(tree.stacks.size() == 200'001);
    CHECK(tree.weights.back() == 7);
}
