// SliceOutput: one file for each slice of a recording's time, and a list of them.
//
//      DIR/slice-001.svg, DIR/slice-002.svg, ...
//      DIR/slices.tsv      file, from and to (s on the recording's clock), samples, weight
#pragma once

#include <optional>
#include <string>

#include "collapse/folded_profile.h"
#include "perfdata/result.h"
#include "render/picture.h"
#include "tools/output_format.h"

namespace fgread::tools {

class SliceOutput {
public:
    // Makes the directory if it is not there.
    static Result<SliceOutput> create(const std::string& directory, OutputFormat format,
                                      const PictureOptions& picture);

    // Writes the slice of `folded`; files of the same names are replaced. Not after a failure.
    void write(const FoldedProfile& folded);
    // Writes the list. The error is the first that was met.
    Result<void> commit();
    [[nodiscard]] std::size_t count() const { return count_; }

private:
    SliceOutput(std::string directory, OutputFormat format, PictureOptions picture);
    [[nodiscard]] std::string name_of(const TimeSlice& slice) const;
    Result<void> write_file(const FoldedProfile& folded, const std::string& path) const;

    std::string directory_;
    OutputFormat format_;
    PictureOptions picture_;
    std::string list_;
    std::size_t count_ = 0;
    std::optional<Error> error_;
};

}  // namespace fgread::tools
