#include "tools/list_events.h"

#include <fmt/format.h>

#include "collapse/frame_names.h"
#include "collapse/sample_survey.h"

namespace fgread::tools {

Result<std::string> event_list(const std::string& path, Diagnostics& diagnostics) {
    const Result<PerfFile> file = PerfFile::open(path, diagnostics);
    if (!file) return file.error();
    Result<Scan> scan = file->scan(diagnostics);
    if (!scan) return scan.error();
    const Result<SampleSurvey> survey = survey_samples(*file, *scan, diagnostics);
    if (!survey) return survey.error();
    std::string list;
    for (std::size_t i = 0; i < file->attrs().size(); ++i) {
        list += fmt::format("{:>10}  {}\n", survey->samples[i],
                            escape_control_bytes(file->attrs()[i].name));
    }
    return list;
}

}  // namespace fgread::tools
