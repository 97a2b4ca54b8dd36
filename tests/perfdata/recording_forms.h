// One recording in all the forms a recording can have, and what is read of each.
#pragma once

#include <string>
#include <vector>

#include "perfdata/diagnostics.h"
#include "perfdata/reader.h"
#include "support/perf_builder.h"

namespace fgread::test {

// What a reader makes of a recording: a line for each sample, with the process it belongs to.
struct Read {
    bool opened = false;
    std::string error;
    std::vector<std::string> samples;  // in the order of the stream
    std::uint64_t counted = 0;         // by the scan
    std::vector<std::string> events;
    Diagnostics diagnostics;
    Coverage coverage;
};

Read read_file(Result<PerfFile> file, Diagnostics diagnostics);
Read read_bytes(ByteView bytes);
Read read_path(const std::string& path);

std::vector<std::byte> gzip(ByteView bytes);
std::vector<std::byte> xz(ByteView bytes);
std::vector<std::byte> zstd(ByteView bytes);

// Side-band and samples of two processes over three rounds, with stacks; some 3 KB.
// `sample_ends`: where each sample ends, in bytes from the first record.
PerfBuilder some_of_everything(std::vector<std::uint64_t>* sample_ends = nullptr);

}  // namespace fgread::test
