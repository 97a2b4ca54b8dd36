// FoldedReader: folded text, `root;...;leaf weight` a line, into a FrameTree.
//
// The form is that of FlameGraph's stackcollapse scripts; with two weights a line, "before after",
// that of its difffolded.pl.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "render/frame_tree.h"

namespace fgread {

// Longer lines are counted as invalid. The longest stacks seen, 1,000 frames of C++ templates, have
// 300 KB.
inline constexpr std::size_t max_folded_line = 16 * 1024 * 1024;

struct FoldedOptions {
    Side side = Side::after;   // where the weights of lines with one weight go
    bool two_columns = true;   // if the first valid line has two weights, all have
    bool strip_hex = false;    // 0x1234 in a name is "0x...", so that addresses compare equal
    bool chain_graph = false;  // frames behind a frame "--" are wakers: marked _[w]
};

// Takes the text in pieces of any size, in one pass. The lines may be in any order; sorted text is
// faster, as a line is compared with the one before it. Cost: a few ns a byte.
class FoldedReader {
public:
    explicit FoldedReader(FrameTree& tree, FoldedOptions options = {})
        : tree_(tree), options_(options) {}

    void feed(std::string_view piece);
    // To be called once, after the last piece: its end ends a line.
    void finish() { end_carried_line(); }

    [[nodiscard]] std::uint64_t valid_lines() const { return valid_; }
    // Neither empty nor of the form.
    [[nodiscard]] std::uint64_t invalid_lines() const { return invalid_; }

private:
    enum class Columns { unknown, one, two };
    struct PathEntry {
        std::size_t end;  // of the frame's name in last_stack_
        TreeNodeId node;
    };

    void end_carried_line();
    void read_line(std::string_view line);
    TreeNodeId node_of(std::string_view stack);
    std::string_view rewritten(std::string_view stack);

    FrameTree& tree_;
    FoldedOptions options_;
    Columns columns_ = Columns::unknown;
    std::string carried_;  // begin of a line whose end has not come yet
    bool too_long_ = false;
    std::string rewritten_;
    std::string last_stack_;
    std::vector<PathEntry> last_path_;
    std::uint64_t valid_ = 0;
    std::uint64_t invalid_ = 0;
};

}  // namespace fgread
