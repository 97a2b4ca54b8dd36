// Counts the samples of each process of a recording:  count_processes perf.data
#include <cstdio>
#include <map>

#include "perfdata/format.h"
#include "perfdata/ordered_reader.h"
using namespace fgread;

int main(int argc, char** argv) {
    Diagnostics diagnostics;  // what is damaged is counted here
    const auto file = PerfFile::open(argc > 1 ? argv[1] : "perf.data", diagnostics);
    if (!file) {
        std::fprintf(stderr, "%s\n", file.error().message.c_str());
        return 1;
    }
    OrderedReader reader(*file, diagnostics);
    const ProcessTable& processes = reader.processes();
    std::map<std::pair<std::string, int>, unsigned long> counts;  // by name and pid
    while (const auto item = reader.next()) {
        if (item->record.type != format::record_sample) continue;
        const auto decoded = file->decode_sample(item->record, diagnostics);
        if (!decoded) continue;
        const SampleView& sample = decoded->sample;
        // Names change (exec, prctl): what counts is the one at the sample's time.
        const CommId comm = processes.comm_at(sample.pid, sample.tid, item->when);
        ++counts[{std::string(processes.comm(comm)), sample.pid.value}];
    }
    for (const auto& [process, samples] : counts) {
        std::printf("%8lu  %s-%d\n", samples, process.first.c_str(), process.second);
    }
    if (!diagnostics.input_damaged()) return 0;
    std::fprintf(stderr, "the recording is damaged: this is what could be read\n");
    return 3;
}
