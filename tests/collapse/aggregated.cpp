#include "tests/collapse/aggregated.h"

#include <doctest/doctest.h>

#include <utility>

#include "perfdata/format.h"
#include "tests/collapse/random.h"
#include "tests/collapse/temp_file.h"

namespace fgread::testing {

PushNothing::PushNothing() : cfi_(test::CfiBuilder::eh_frame(0x100000)) {
    cfi_.fde(cfi_.cie(), prog_start, 0x10000);
    cfi_.terminator();
    table_ = std::make_unique<UnwindTable>(cfi_.sections());
}

PerfBuilder start(std::vector<EventAttr> events) {
    PerfBuilder perf;
    for (EventAttr& event : events) perf.add_event(std::move(event));
    perf.mmap({-1, 0, 0}, {.start = kernel_start,
                           .length = 0x1000000,
                           .file_offset = kernel_start,
                           .path = "[kernel.kallsyms]_text",
                           .mode = CpuMode::kernel});
    perf.comm({7, 7, 1}, "prog", test::exec);
    perf.mmap2({7, 7, 2}, {.start = prog_start, .length = 0x10000, .path = "/bin/prog"});
    return perf;
}

SampleFields stack_sample(std::uint64_t time, std::uint64_t pc,
                          const std::vector<std::uint64_t>& callers) {
    SampleFields sample;
    sample.ip = pc;
    sample.pid = sample.tid = 7;
    sample.time = time;
    sample.callchain = {format::context_user, pc};
    sample.user_regs.assign(register_count, 0);
    sample.user_regs[sp_register] = stack_top;
    sample.user_regs[ip_register] = pc;
    test::Bytes stack;
    stack.words(callers);
    sample.user_stack = stack.data();
    return sample;
}

Aggregated run(const std::string& path, const AggregateOptions& options) {
    Aggregated out;
    const Result<PerfFile> file = PerfFile::open(path, out.diagnostics);
    REQUIRE(file.has_value());
    Result<Scan> scan = file->scan(out.diagnostics);
    REQUIRE(scan.has_value());
    PushNothing modules;
    Result<Profile> profile = aggregate(*file, *scan, modules, options, out.diagnostics);
    REQUIRE(profile.has_value());
    out.profile = std::move(*profile);
    return out;
}

Aggregated run(const PerfBuilder& perf, const AggregateOptions& options) {
    return run(TempFile(perf.build()).path(), options);
}

std::vector<std::byte> large_recording(std::uint64_t& samples, std::uint64_t& period) {
    EventAttr second = test::dwarf_event();
    second.ids = {200};
    PerfBuilder perf = start({test::dwarf_event(), second});
    perf.comm({7, 8, 3}, "thread 8");
    perf.comm({7, 9, 3}, "thread 9");
    Random random(11);
    samples = 12'000;
    period = 0;
    for (std::uint64_t i = 0; i < samples; ++i) {
        std::vector<std::uint64_t> callers(random.below(12));
        for (std::uint64_t& caller : callers) caller = prog_start + 1 + random.below(60);
        callers.push_back(0);
        callers.resize(callers.size() + 40);
        SampleFields sample = stack_sample(10 + i, prog_start + random.below(60), callers);
        sample.tid = 7 + static_cast<std::int32_t>(random.below(3));
        sample.period = random.below(1000);
        period += sample.period;
        if (random.below(4) == 0) {
            sample.mode = CpuMode::kernel;
            sample.callchain = {format::context_kernel, kernel_start + random.below(50),
                                kernel_start + 100, format::context_user, prog_start};
        }
        if (random.below(50) == 0) {
            sample.user_abi = 0;
            sample.user_regs.clear();
        }
        perf.sample(sample, random.below(2));
        if (i % 500 == 0) perf.finished_round();
    }
    return perf.build();
}

}  // namespace fgread::testing
