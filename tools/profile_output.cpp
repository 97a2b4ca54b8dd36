#include "tools/profile_output.h"

#include <string_view>
#include <utility>

#include "render/folded_reader.h"
#include "render/html_writer.h"
#include "render/svg_writer.h"

namespace fgread::tools {

Result<ProfileOutput> write_profile(const std::string& path, const FoldOptions& fold,
                                    ProfileFormat format, const PictureOptions& options,
                                    bool reverse, OutputFile& output) {
    const TextSink sink = [&](std::string_view text) { return output.write(text); };
    if (format == ProfileFormat::folded) {
        Result<FoldStats> stats = fold_recording(path, fold, sink);
        if (!stats) return stats.error();
        return ProfileOutput{std::move(*stats), {}};
    }
    FrameTree tree;
    FoldedOptions reading;
    reading.two_columns = false;
    reading.chain_graph = options.scheme == ColorScheme::chain;
    FoldedReader reader(tree, reading);
    Result<FoldStats> stats = fold_recording(path, fold, [&](std::string_view text) {
        reader.feed(text);
        return true;
    });
    if (!stats) return stats.error();
    reader.finish();
    if (reverse) tree = reversed(tree);
    const Picture picture = format == ProfileFormat::html ? write_html(tree, options, sink)
                                                          : write_svg(tree, options, sink);
    return ProfileOutput{std::move(*stats), picture};
}

}  // namespace fgread::tools
