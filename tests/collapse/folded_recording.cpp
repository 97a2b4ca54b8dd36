#include "tests/collapse/folded_recording.h"

#include <doctest/doctest.h>

#include <regex>
#include <string_view>

#include "tests/collapse/temp_file.h"

namespace fgread::testing {

FoldedRecording fold_bytes(const std::vector<std::byte>& bytes, FoldOptions options) {
    options.aggregate.unknown_addresses = true;
    options.naming.addresses = true;
    FoldedRecording out;
    const TempFile file(bytes);
    const Result<FoldStats> stats =
        fold_recording(file.path(), options, [&](std::string_view text) {
            out.text += text;
            return true;
        });
    REQUIRE(stats.has_value());
    out.stats = *stats;
    out.text = std::regex_replace(out.text, std::regex("\\[unknown <([0-9a-f]+)>\\]"), "[0x$1]");
    return out;
}

}  // namespace fgread::testing
