// Micro-benchmarks of the stages, on a recording of the fixtures:  micro FIXTURES_DIR
// The numbers to compare are those before and after a change, on one machine.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "collapse/fold.h"
#include "perfdata/format.h"
#include "perfdata/ordered_reader.h"
#include "unwind/x86_64.h"

namespace {

using namespace fgread;

std::string fixture;  // the folder of the case

std::string recording() { return fixture + "/perf.data"; }

// What a walk needs, copied out of the recording so that only the walk is timed.
struct Dump {
    Pid pid;
    EventTime when;
    RegisterFile registers;
    std::vector<std::byte> stack;
};

std::vector<Dump> dumps_of(const PerfFile& file, OrderedReader& reader, Diagnostics& diagnostics) {
    std::vector<Dump> dumps;
    while (const auto item = reader.next()) {
        if (item->record.type != format::record_sample) continue;
        const auto decoded = file.decode_sample(item->record, diagnostics);
        if (!decoded || decoded->sample.user_stack.empty()) continue;
        const SampleView& sample = decoded->sample;
        dumps.push_back({sample.pid,
                         item->when,
                         x86_64::registers_from_sample(sample.user_regs),
                         {sample.user_stack.begin(), sample.user_stack.end()}});
    }
    return dumps;
}

void read_records(benchmark::State& state) {
    std::int64_t records = 0;
    for (auto _ : state) {
        Diagnostics diagnostics;
        const auto file = PerfFile::open(recording(), diagnostics);
        const auto scan = file->scan(diagnostics);
        records += static_cast<std::int64_t>(scan->record_count);
    }
    state.SetItemsProcessed(records);
}
BENCHMARK(read_records);

void walk_stacks(benchmark::State& state) {
    Diagnostics diagnostics;
    const auto file = PerfFile::open(recording(), diagnostics);
    OrderedReader reader(*file, diagnostics);
    const std::vector<Dump> dumps = dumps_of(*file, reader, diagnostics);
    const ProcessTable& processes = reader.processes();
    ModuleCache modules(processes.mappings(), module_sources(*file, fixture + "/symfs", ""));
    StackWalker walker(modules);
    std::vector<WalkedFrame> frames;
    std::int64_t count = 0;
    for (auto _ : state) {
        for (const Dump& dump : dumps) {
            const AddressSpace& space = *processes.process_at(dump.pid, dump.when).user;
            const StackMemory stack(Avma{dump.registers[x86_64::rsp]}, dump.stack);
            walker.walk(space, dump.when, dump.registers, stack, frames);
            count += static_cast<std::int64_t>(frames.size());
        }
    }
    // One item is one frame.
    state.SetItemsProcessed(count);
}
BENCHMARK(walk_stacks);

void fold_small_recording(benchmark::State& state) {
    FoldOptions options;
    options.symfs = fixture + "/symfs";
    options.symbols.inlines = state.range(0) != 0;
    for (auto _ : state) {
        std::size_t bytes = 0;
        const auto stats = fold_recording(recording(), options, [&bytes](std::string_view text) {
            bytes += text.size();
            return true;
        });
        benchmark::DoNotOptimize(bytes);
        if (!stats) state.SkipWithError(stats.error().message.c_str());
    }
}
BENCHMARK(fold_small_recording)->ArgName("inlines")->Arg(0)->Arg(1);

}  // namespace

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    if (argc != 2) return 2;
    fixture = std::string(argv[1]) + "/cpp_threads";
    benchmark::RunSpecifiedBenchmarks();
}
