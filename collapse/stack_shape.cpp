#include "collapse/stack_shape.h"

#include <algorithm>

namespace fgread {

NameTree shaped(const NameTree& tree, const FrameNames& names, const StackShape& shape) {
    std::vector<bool> is_base(names.name_count(), false);
    for (NameId id = 0; !shape.base.empty() && id < names.name_count(); ++id) {
        is_base[id] =
            std::find(shape.base.begin(), shape.base.end(), names.name(id)) != shape.base.end();
    }
    NameTree result;
    std::vector<NameId> path;
    for (StackId stack = 0; stack < tree.stacks.size(); ++stack) {
        if (tree.weights[stack] == 0) continue;
        path.clear();
        for (StackId at = stack; at != no_stack; at = tree.stacks[at].parent) {
            path.push_back(tree.stacks[at].label);
        }
        if (shape.fold_recursion) path.erase(std::unique(path.begin(), path.end()), path.end());
        // Leaf first until here: the outermost frame is the last.
        const auto base =
            std::find_if(path.rbegin(), path.rend(), [&](NameId id) { return is_base[id]; });
        if (base != path.rend()) path.erase(base.base(), path.end());
        if (!shape.reverse) std::reverse(path.begin(), path.end());
        if (shape.max_depth != 0) path.resize(std::min(path.size(), shape.max_depth));
        StackId node = no_stack;
        for (const NameId id : path) node = result.stacks.child(node, id);
        result.weights.resize(result.stacks.size());
        result.weights[node] += tree.weights[stack];
    }
    return result;
}

}  // namespace fgread
