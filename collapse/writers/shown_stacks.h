// ShownStacks: the stacks of a profile as structured formats show them: frames with module, file
// and line beside the name. Stacks of other addresses that show the same are one.
#pragma once

#include <cstdint>
#include <vector>

#include "collapse/folded_profile.h"
#include "collapse/stack_trie.h"

namespace fgread {

struct ShownFrame {
    NameId name = 0;
    ModuleId module;
    NameDetail detail;
};

struct ShownStack {
    StackId node = 0;         // in ShownStacks::trie
    std::uint32_t group = 0;  // index of Profile::groups
    std::uint32_t event = 0;  // index of the attr
    std::uint64_t samples = 0;
    std::uint64_t period = 0;
};

struct ShownStacks {
    std::vector<ShownFrame> frames;  // each once, in the order of their first appearance
    StackTrie trie;                  // labels: groups at the roots, else indices of `frames`
    std::vector<ShownStack> stacks;  // a stack for each event, in the order of first appearance
    // By StackId of the profile: its node in `trie`; no_stack for stacks that are not shown.
    std::vector<StackId> node_of;

    // Indices of frames, from below the group to the leaf.
    [[nodiscard]] std::vector<std::uint32_t> path(StackId node) const;
};

// Of the events that are wanted; stacks without samples are left out. Wants FrameNames::details().
[[nodiscard]] ShownStacks shown_stacks(const FoldedProfile& folded);

// Writers of JSON: `text` of unknown bytes as a quoted string.
void append_json_text(std::string& to, std::string_view text);

// The number by which the chosen weight of `stack` counts.
[[nodiscard]] inline std::uint64_t weight_of(const ShownStack& stack, const WeightChoice& choice) {
    return choice.by_samples ? stack.samples : stack.period;
}

}  // namespace fgread
