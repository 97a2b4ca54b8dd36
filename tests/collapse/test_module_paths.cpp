#include <doctest/doctest.h>

#include <set>
#include <vector>

#include "collapse/module_paths.h"

using namespace fgread;

namespace {

Frame in(std::uint32_t module, std::uint64_t offset = 1) {
    return {ModuleId{module}, FrameKind::exact, offset};
}

StackId add(Profile& profile, const std::vector<Frame>& outermost_first) {
    StackId stack = profile.stacks.root(0);
    for (const Frame& frame : outermost_first) {
        stack = profile.stacks.child(stack, profile.frames.intern(frame));
    }
    return stack;
}

std::vector<std::uint32_t> modules_of(const ModulePaths& paths, StackId stack) {
    std::vector<std::uint32_t> modules;
    for (const OnPath& each : paths.modules(paths.set_of(stack))) modules.push_back(each.module);
    return modules;
}

}  // namespace

TEST_CASE("a path's modules are listed once each, by number") {
    Profile profile;
    const StackId nothing = add(profile, {});
    const StackId one = add(profile, {in(1), in(1, 2)});
    const StackId back_and_forth = add(profile, {in(3), in(1), in(3, 2), in(2), in(1)});
    const ModulePaths paths(profile, FrameNames{});
    CHECK(modules_of(paths, nothing).empty());
    CHECK(modules_of(paths, one) == std::vector<std::uint32_t>{1});
    CHECK(modules_of(paths, back_and_forth) == std::vector<std::uint32_t>{1, 2, 3});
}

TEST_CASE("going back to a module that is on the path already makes no other set") {
    Profile profile;
    const StackId there = add(profile, {in(1), in(2)});
    const StackId back = add(profile, {in(1), in(2), in(1, 2), in(2, 2), in(1, 3)});
    const ModulePaths paths(profile, FrameNames{});
    CHECK(paths.set_of(there) == paths.set_of(back));
}

TEST_CASE("what is in no module is no module, the mark of cut stacks neither") {
    Profile profile;
    const StackId stack = add(profile, {truncated_mark, in(0), in(1)});
    const ModulePaths paths(profile, FrameNames{});
    CHECK(modules_of(paths, stack) == std::vector<std::uint32_t>{0, 1});
}

// Against the set of the modules of every frame, which is what is meant.
TEST_CASE("the sets are those of the frames for any paths") {
    Profile profile;
    std::vector<StackId> stacks{profile.stacks.root(0), profile.stacks.root(1)};
    std::uint32_t state = 1;
    const auto random = [&](std::uint32_t below) {
        state = state * 1103515245 + 12345;
        return (state >> 16) % below;
    };
    for (unsigned i = 0; i < 3000; ++i) {
        const FrameId frame = profile.frames.intern(in(random(9), random(3)));
        const StackId parent = stacks[random(static_cast<std::uint32_t>(stacks.size()))];
        stacks.push_back(profile.stacks.child(parent, frame));
    }
    const ModulePaths paths(profile, FrameNames{});
    for (const StackId stack : stacks) {
        std::set<std::uint32_t> expected;
        for (StackId at = stack; profile.stacks[at].parent != no_stack;
             at = profile.stacks[at].parent) {
            expected.insert(profile.frames[profile.stacks[at].label].module.value);
        }
        REQUIRE(modules_of(paths, stack) ==
                std::vector<std::uint32_t>(expected.begin(), expected.end()));
    }
}
