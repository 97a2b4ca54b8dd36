// fgrecord's work: record with perf, fold, write; and say what is missing, with its remedy.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "collapse/fold.h"
#include "render/picture.h"
#include "tools/output_format.h"
#include "tools/perf_command.h"

namespace fgread::tools {

struct RecordSession {
    const char* tool = "fgrecord";                                 // in messages
    RecordPlan plan;                                               // an empty event is chosen here
    std::vector<std::pair<std::string, std::string>> environment;  // of the command
    std::string directory;                                         // of the command; empty: ours
    std::chrono::milliseconds duration{0};                         // 0: until the end or Ctrl-C
    std::string keep;                                              // perf.data; empty: not kept
    std::string output;
    OutputFormat format = OutputFormat::svg;
    bool open = false;  // show the output, by the desktop's program for it
    bool quiet = false;
    FoldOptions fold;
    PictureOptions picture;
};

// True if the output was written and has samples. Everything else has been told on stderr.
bool record_and_write(RecordSession session);

}  // namespace fgread::tools
