// Folds bytes in memory, for tests that look at the text. Code in no module is "[0x1000]".
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "collapse/fold.h"

namespace fgread::testing {

struct FoldedRecording {
    std::string text;
    FoldStats stats;
};

FoldedRecording fold_bytes(const std::vector<std::byte>& bytes, FoldOptions options = {});

}  // namespace fgread::testing
