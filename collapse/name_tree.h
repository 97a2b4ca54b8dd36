// NameTree: the stacks of a Profile by name instead of by address, with weights.
//
// Different addresses of one function, and the same function in different processes of one name,
// become one node here. Every writer that shows stacks starts from it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "collapse/frame_names.h"
#include "collapse/name_trie.h"
#include "collapse/profile.h"

namespace fgread {

// Labels of `stacks` are NameIds, those of roots included; `weights` is by StackId of `stacks`.
struct NameTree {
    NameTrie stacks;
    std::vector<std::uint64_t> weights;
};

// Which weights of a profile count: those of `events` (by attr), by period or by samples.
struct WeightChoice {
    std::vector<bool> events;
    bool by_samples = false;
};

// `group_labels`: by group, its root frames, at least one, outermost first.
NameTree build_name_tree(const Profile& profile, FrameNames& names,
                         const std::vector<std::vector<std::string>>& group_labels,
                         const WeightChoice& choice);

}  // namespace fgread
