#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "collapse/stack_shape.h"
#include "collapse/writers/folded.h"

using namespace fgread;

namespace {

class Stacks {
public:
    Stacks() {
        add({"prog", "main", "f", "f", "g"}, 1);
        add({"prog", "main", "f", "g"}, 2);
        add({"other", "start", "main", "g", "f", "g"}, 4);
        add({"prog"}, 8);
    }

    [[nodiscard]] std::string in_shape(const StackShape& shape) const {
        std::string text;
        write_folded(shaped(tree_, names_, shape), names_, [&](std::string_view piece) {
            text += piece;
            return true;
        });
        return text;
    }

private:
    void add(const std::vector<std::string>& stack, std::uint64_t weight) {
        StackId at = no_stack;
        for (const std::string& name : stack) at = tree_.stacks.child(at, names_.intern(name));
        tree_.weights.resize(tree_.stacks.size());
        tree_.weights[at] += weight;
    }

    NameTree tree_;
    FrameNames names_;
};

}  // namespace

TEST_CASE("direct recursion becomes one frame, indirect does not") {
    StackShape shape;
    shape.fold_recursion = true;
    CHECK(Stacks().in_shape(shape) == "other;start;main;g;f;g 4\nprog 8\nprog;main;f;g 3\n");
}

TEST_CASE("stacks begin at the outermost frame of the base's name, others stay whole") {
    StackShape shape;
    shape.base = {"g", "main"};
    CHECK(Stacks().in_shape(shape) == "main;f;f;g 1\nmain;f;g 2\nmain;g;f;g 4\nprog 8\n");
    shape.base = {"g"};
    CHECK(Stacks().in_shape(shape) == "g 3\ng;f;g 4\nprog 8\n");
}

TEST_CASE("reversed stacks begin with the leaf") {
    StackShape shape;
    shape.reverse = true;
    CHECK(Stacks().in_shape(shape) ==
          "g;f;f;main;prog 1\ng;f;g;main;start;other 4\ng;f;main;prog 2\nprog 8\n");
}

TEST_CASE("the depth is counted from the root that is shown") {
    StackShape shape;
    shape.max_depth = 2;
    CHECK(Stacks().in_shape(shape) == "other;start 4\nprog 8\nprog;main 3\n");
    shape.reverse = true;
    CHECK(Stacks().in_shape(shape) == "g;f 7\nprog 8\n");
}

TEST_CASE("an empty shape changes nothing") {
    CHECK(StackShape{}.empty());
    CHECK(Stacks().in_shape({}) ==
          "other;start;main;g;f;g 4\nprog 8\nprog;main;f;f;g 1\nprog;main;f;g 2\n");
}
