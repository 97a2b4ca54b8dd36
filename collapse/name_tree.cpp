#include "collapse/name_tree.h"

#include <algorithm>
#include <map>
#include <utility>

namespace fgread {
namespace {

using RootNames = std::vector<std::vector<NameId>>;

RootNames intern_roots(FrameNames& names, const std::vector<std::vector<std::string>>& labels) {
    RootNames roots;
    for (const std::vector<std::string>& label : labels) {
        std::vector<NameId>& of_group = roots.emplace_back();
        for (const std::string& frame : label) of_group.push_back(names.intern(frame));
    }
    return roots;
}

// Of the groups and stacks for which has_group(number) and has_stack(StackId) are true: with each
// stack all on the way to its root. `count`: about how many stacks that are.
template <typename HasGroup, typename HasStack>
NameTree build_tree(const Profile& profile, const FrameNames& names, const RootNames& root_names,
                    const WeightChoice& choice, std::size_t count, const HasGroup& has_group,
                    const HasStack& has_stack) {
    NameTree tree;
    tree.stacks.reserve(count);  // about as many, if nothing is inlined
    std::vector<StackId> roots;
    for (std::uint32_t group = 0; group < root_names.size(); ++group) {
        StackId at = no_stack;
        if (has_group(group)) {
            for (const NameId name : root_names[group]) at = tree.stacks.child(at, name);
        }
        roots.push_back(at);
    }

    // A parent has a smaller number than its children, so it is always translated already.
    std::vector<StackId> node_of(profile.stacks.size());
    for (StackId stack = 0; stack < profile.stacks.size(); ++stack) {
        if (!has_stack(stack)) continue;
        const StackNode& node = profile.stacks[stack];
        if (node.parent == no_stack) {
            node_of[stack] = roots[node.label];
            continue;
        }
        StackId at = node_of[node.parent];
        for (const NameId name : names[node.label]) at = tree.stacks.child(at, name);
        node_of[stack] = at;
    }

    tree.weights.resize(tree.stacks.size());
    for (const StackWeight& weight : profile.weights) {
        if (!choice.events[weight.event] || !has_stack(weight.stack)) continue;
        tree.weights[node_of[weight.stack]] += choice.by_samples ? weight.samples : weight.period;
    }
    return tree;
}

}  // namespace

NameTree build_name_tree(const Profile& profile, FrameNames& names,
                         const std::vector<std::vector<std::string>>& group_labels,
                         const WeightChoice& choice) {
    const auto all = [](std::uint32_t) { return true; };
    return build_tree(profile, names, intern_roots(names, group_labels), choice,
                      profile.stacks.size(), all, all);
}

NameTreeParts::NameTreeParts(const Profile& profile, FrameNames& names,
                             const std::vector<std::vector<std::string>>& group_labels,
                             unsigned count)
    : profile_(profile), names_(names), root_names_(intern_roots(names, group_labels)) {
    std::vector<std::size_t> size_of_group(root_names_.size(), 0);
    group_of_.resize(profile.stacks.size());
    for (StackId stack = 0; stack < profile.stacks.size(); ++stack) {
        const StackNode& node = profile.stacks[stack];
        group_of_[stack] = node.parent == no_stack ? node.label : group_of_[node.parent];
        ++size_of_group[group_of_[stack]];
    }
    std::map<NameId, std::size_t> size_of_root;
    for (std::size_t group = 0; group < root_names_.size(); ++group) {
        size_of_root[root_names_[group].front()] += size_of_group[group];
    }
    // The largest first, each into the part that is the smallest by then.
    std::vector<std::pair<std::size_t, NameId>> order;
    for (const auto& [root, size] : size_of_root) order.emplace_back(size, root);
    std::sort(order.rbegin(), order.rend());
    sizes_.resize(std::clamp<std::size_t>(count, 1, std::max<std::size_t>(order.size(), 1)));
    std::map<NameId, std::uint32_t> part_of_root;
    for (const auto& [size, root] : order) {
        const auto smallest = std::min_element(sizes_.begin(), sizes_.end());
        *smallest += size;
        part_of_root[root] = static_cast<std::uint32_t>(smallest - sizes_.begin());
    }
    for (const std::vector<NameId>& root : root_names_) {
        part_of_group_.push_back(part_of_root.at(root.front()));
    }
}

NameTree NameTreeParts::build(std::size_t part, const WeightChoice& choice) const {
    const auto has_group = [&](std::uint32_t group) { return part_of_group_[group] == part; };
    return build_tree(profile_, names_, root_names_, choice, sizes_[part], has_group,
                      [&](StackId stack) { return has_group(group_of_[stack]); });
}

}  // namespace fgread
