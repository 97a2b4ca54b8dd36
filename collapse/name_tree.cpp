#include "collapse/name_tree.h"

namespace fgread {

NameTree build_name_tree(const Profile& profile, FrameNames& names,
                         const std::vector<std::vector<std::string>>& group_labels,
                         const WeightChoice& choice) {
    NameTree tree;
    tree.stacks.reserve(profile.stacks.size());  // about as many, if nothing is inlined
    std::vector<StackId> roots;
    for (const std::vector<std::string>& label : group_labels) {
        StackId at = no_stack;
        for (const std::string& frame : label) {
            const NameId name = names.intern(frame);
            at = at == no_stack ? tree.stacks.root(name) : tree.stacks.child(at, name);
        }
        roots.push_back(at);
    }

    // A parent has a smaller number than its children, so it is always translated already.
    std::vector<StackId> node_of(profile.stacks.size());
    for (StackId stack = 0; stack < profile.stacks.size(); ++stack) {
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
        if (!choice.events[weight.event]) continue;
        tree.weights[node_of[weight.stack]] += choice.by_samples ? weight.samples : weight.period;
    }
    return tree;
}

}  // namespace fgread
