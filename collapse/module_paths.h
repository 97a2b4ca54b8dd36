// ModulePaths: the modules on the path of each stack, by one step for each node of the trie rather
// than one for each frame of each stack.
#pragma once

#include <cstdint>
#include <vector>

#include "collapse/frame_names.h"
#include "collapse/profile.h"

namespace fgread {

// What the stacks that go through a module have to do with it.
struct OnPath {
    std::uint32_t module = 0;
    bool unnamed = false;  // one of its frames there has no name
    friend bool operator==(const OnPath&, const OnPath&) = default;
};

// Not thread-safe. Costs some ns for each node of the profile's trie.
class ModulePaths {
public:
    ModulePaths(const Profile& profile, const FrameNames& names);

    // Number of a set of modules, dense from 0.
    [[nodiscard]] std::uint32_t set_of(StackId stack) const { return sets_[stack]; }
    [[nodiscard]] std::size_t set_count() const { return tree_.size(); }
    // The modules of the set by number, each once. Empty for numbers that no stack has.
    [[nodiscard]] std::vector<OnPath> modules(std::uint32_t set) const;

private:
    std::uint32_t with(std::uint32_t set, std::uint32_t label);
    [[nodiscard]] bool has(std::uint32_t set, std::uint32_t label) const;

    // A node is a set: that of its parent and one module more, as the paths met them. Where a
    // module is on the path already, the node stands for the set without it.
    StackTrie tree_;
    std::vector<std::uint32_t> stands_for_;
    std::vector<std::uint32_t> sets_;  // by stack
};

}  // namespace fgread
