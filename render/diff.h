// What differs between two profiles in one FrameTree, as text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "render/frame_tree.h"
#include "render/text_sink.h"

namespace fgread {

// A function's weights. The self weight counts the stacks it ends; the total weight those it is in,
// each once, however often the function calls itself.
struct FunctionWeights {
    FrameNameId name = 0;
    double self_before = 0;
    double self_after = 0;
    double total_before = 0;
    double total_after = 0;
};

// By name. Cost: O(nodes).
[[nodiscard]] std::vector<FunctionWeights> function_weights(const FrameTree& tree);

// Multiplies the weights before so that they add up to those after, unless one of them is nothing.
void normalize(FrameTree& tree);

// Lines `stack before after` in the order of their frames' bytes, as flamegraph.pl,
// inferno-flamegraph and FoldedReader take them. Scaled weights are rounded down as difffolded.pl
// does. False if the sink wanted no more.
bool write_folded_diff(const FrameTree& tree, const TextSink& sink);

struct ChangeTableOptions {
    std::size_t rows = 10;  // of each of the four parts
    std::string count_name = "samples";
    double factor = 1;  // weights are shown multiplied by it
};

// For people: which functions gained and which lost most, by themselves and with all they call.
[[nodiscard]] std::string change_table(const FrameTree& tree, const ChangeTableOptions& options);

}  // namespace fgread
