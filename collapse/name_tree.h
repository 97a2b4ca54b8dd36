// NameTree: the stacks of a Profile by name instead of by address, with weights.
//
// Different addresses of one function, and the same function in different processes of one name,
// become one node here. Every writer that shows stacks starts from it.
#pragma once

#include <cstddef>
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

// The same in parts, which threads can build at the same time: stacks whose outermost names are the
// same are in one part. Its arguments must outlive it, and no name is interned while a part is
// built.
class NameTreeParts {
public:
    // Not more than `count` parts, at least one, as equal in size as the roots allow. Cost: 2 ns a
    // stack.
    NameTreeParts(const Profile& profile, FrameNames& names,
                  const std::vector<std::vector<std::string>>& group_labels, unsigned count);

    [[nodiscard]] std::size_t size() const { return sizes_.size(); }
    // Thread-safe.
    [[nodiscard]] NameTree build(std::size_t part, const WeightChoice& choice) const;

private:
    const Profile& profile_;
    const FrameNames& names_;
    std::vector<std::vector<NameId>> root_names_;  // by group
    std::vector<std::uint32_t> group_of_;          // by stack
    std::vector<std::uint32_t> part_of_group_;
    std::vector<std::size_t> sizes_;  // by part: stacks
};

}  // namespace fgread
