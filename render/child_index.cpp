#include "render/child_index.h"

namespace fgread {

ChildIndex::ChildIndex(const FrameTree& tree)
    : first_(tree.size() + 1), children_(tree.size() - 1) {
    for (TreeNodeId id = 1; id < tree.size(); ++id) ++first_[tree[id].parent + 1];
    for (std::size_t i = 1; i < first_.size(); ++i) first_[i] += first_[i - 1];
    std::vector<std::uint32_t> next(first_.begin(), first_.end() - 1);
    for (TreeNodeId id = 1; id < tree.size(); ++id) children_[next[tree[id].parent]++] = id;
}

}  // namespace fgread
