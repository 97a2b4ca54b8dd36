// A recording as what its user wants to look at: folded text or a picture.
#pragma once

#include <string>

#include "collapse/fold.h"
#include "perfdata/result.h"
#include "render/picture.h"
#include "tools/output_file.h"

namespace fgread::tools {

enum class ProfileFormat { folded, svg, html };

struct ProfileOutput {
    FoldStats stats;
    Picture picture;  // not of folded text
};

// Folds the recording at `path` and writes it; the caller commits `output`.
Result<ProfileOutput> write_profile(const std::string& path, const FoldOptions& fold,
                                    ProfileFormat format, const PictureOptions& options,
                                    bool reverse, OutputFile& output);

}  // namespace fgread::tools
