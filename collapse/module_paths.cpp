#include "collapse/module_paths.h"

#include <algorithm>

namespace fgread {

namespace {

constexpr std::uint32_t no_label = 0xffffffff;
constexpr std::uint32_t empty_set = 0;

std::uint32_t label_of(const Frame& frame, bool unnamed) {
    return is_real(frame.module) ? frame.module.value << 1 | std::uint32_t{unnamed} : no_label;
}

}  // namespace

ModulePaths::ModulePaths(const Profile& profile, const FrameNames& names) {
    std::vector<std::uint32_t> labels;
    labels.reserve(profile.frames.size());
    for (FrameId frame = 0; frame < profile.frames.size(); ++frame) {
        labels.push_back(label_of(profile.frames[frame], names.is_unnamed(frame)));
    }
    tree_.root(no_label);
    stands_for_.push_back(empty_set);
    sets_.reserve(profile.stacks.size());
    // A parent has a smaller number than its children.
    for (const StackNode& node : profile.stacks.nodes()) {
        const bool is_root = node.parent == no_stack;
        sets_.push_back(is_root ? empty_set : with(sets_[node.parent], labels[node.label]));
    }
}

std::uint32_t ModulePaths::with(std::uint32_t set, std::uint32_t label) {
    // Most frames are called by one of the same module.
    if (label == no_label || tree_[set].label == label) return set;
    const StackId node = tree_.child(set, label);
    if (node == stands_for_.size()) stands_for_.push_back(has(set, label) ? set : node);
    return stands_for_[node];
}

bool ModulePaths::has(std::uint32_t set, std::uint32_t label) const {
    for (; set != empty_set; set = tree_[set].parent) {
        if (tree_[set].label == label) return true;
    }
    return false;
}

std::vector<OnPath> ModulePaths::modules(std::uint32_t set) const {
    std::vector<OnPath> modules;
    for (; set != empty_set; set = tree_[set].parent) {
        const std::uint32_t label = tree_[set].label;
        modules.push_back({label >> 1, (label & 1) != 0});
    }
    // Unnamed first, so that it is the one that stays.
    std::sort(modules.begin(), modules.end(), [](const OnPath& a, const OnPath& b) {
        return a.module != b.module ? a.module < b.module : a.unnamed > b.unnamed;
    });
    const auto same = [](const OnPath& a, const OnPath& b) { return a.module == b.module; };
    modules.erase(std::unique(modules.begin(), modules.end(), same), modules.end());
    return modules;
}

}  // namespace fgread
