// StackTables: the distinct frames and stacks of a recording, or of what one worker has seen of it.
#pragma once

#include <cstddef>
#include <vector>

#include "collapse/grouping.h"
#include "collapse/stack_trie.h"
#include "unwind/frame_table.h"

namespace fgread {

// Not thread-safe.
struct StackTables {
    FrameTable frames;
    std::vector<Group> groups;  // labels of the trie's roots
    StackTrie stacks;           // root to leaf; labels are FrameIds below the roots

    struct Sizes {
        std::size_t frames = 0, groups = 0, stacks = 0;
    };
    [[nodiscard]] Sizes sizes() const { return {frames.size(), groups.size(), stacks.size()}; }
    // Forgets what was added since. Costs as much as making the indexes anew.
    void cut_to(const Sizes& sizes) {
        frames.cut_to(sizes.frames);
        groups.resize(sizes.groups);
        stacks.cut_to(sizes.stacks);
    }
};

}  // namespace fgread
