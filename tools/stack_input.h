// Where fgrender and fgdiff get stacks from: folded text or a recording.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collapse/fold.h"
#include "perfdata/result.h"
#include "render/folded_reader.h"
#include "render/picture.h"

namespace fgread::tools {

struct StackInput {
    std::uint64_t valid_lines = 0;
    std::uint64_t invalid_lines = 0;
    // Of text without a valid line: what it is instead and what to do, "is empty: ..."; empty if
    // that is not known.
    std::string what_instead;
    std::optional<WeightUnit> unit;  // of a recording's weights
};

// Reads `path` into `tree`: folded text of a file, a pipe or ("-") standard input; or a perf.data
// file, which `fold` says how to fold. What there is to warn about goes to stderr as `tool`. What
// is known by its first bytes to be neither (packed, a finished picture) is an error that says so.
Result<StackInput> read_stacks(const char* tool, const std::string& path,
                               const FoldedOptions& options, const FoldOptions& fold,
                               FrameTree& tree);

// Names the counts of a picture of `inputs`, if they are recordings of one unit.
void name_counts(const std::vector<StackInput>& inputs, PictureOptions& options);

// A small file as a whole; nothing if it does not exist.
Result<std::string> read_text_file(const std::string& path);

// "FILE: 3 lines with invalid format ignored", if there were any; or what it is instead of stacks.
void say_invalid_lines(const char* tool, const std::string& path, const StackInput& input);

}  // namespace fgread::tools
