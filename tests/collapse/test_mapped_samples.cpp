#include <doctest/doctest.h>

#include <unistd.h>

#include <vector>

#include "perfdata/mapped_file.h"
#include "tests/collapse/aggregated.h"
#include "tests/collapse/profile_compare.h"
#include "tests/collapse/temp_file.h"

using namespace fgread;
using namespace fgread::testing;

TEST_CASE("a mapped file that loses pages is folded like one that is read") {
    std::uint64_t samples = 0;
    std::uint64_t period = 0;
    const std::vector<std::byte> bytes = large_recording(samples, period);
    AggregateOptions options;
    const auto after_cut = [&] {
        const TempFile file(bytes);
        Aggregated out;
        const Result<PerfFile> opened = PerfFile::open(file.path(), out.diagnostics);
        REQUIRE(opened.has_value());
        Result<Scan> scan = opened->scan(out.diagnostics);
        REQUIRE(scan.has_value());
        REQUIRE(scan->chunks.size() > 2);
        REQUIRE(truncate(file.path().c_str(), static_cast<off_t>(scan->chunks[2].offset +
                                                                 scan->chunks[2].size / 2)) == 0);
        PushNothing modules;
        Result<Profile> profile = aggregate(*opened, *scan, modules, options, out.diagnostics);
        REQUIRE(profile.has_value());
        out.profile = std::move(*profile);
        return out;
    };
    // Before any other test of this program has it mapped.
    static const Aggregated read = after_cut();
    REQUIRE(read.profile.sample_count > 0);
    REQUIRE(read.profile.sample_count < samples);
    MappedFile::catch_lost_pages();
    for (const unsigned jobs : {1u, 3u}) {
        options.jobs = jobs;
        const Aggregated mapped = after_cut();
        check_equal(mapped.profile, read.profile);
        CHECK(mapped.diagnostics.input_damaged());
    }
}

TEST_CASE("the same comes of a mapped file") {
    std::uint64_t samples = 0;
    std::uint64_t period = 0;
    const TempFile file(large_recording(samples, period));
    const Profile read = run(file.path()).profile;
    MappedFile::catch_lost_pages();
    for (const unsigned jobs : {1u, 3u}) {
        AggregateOptions options;
        options.jobs = jobs;
        check_equal(run(file.path(), options).profile, read);
    }
}

TEST_CASE("the first pass finds the same where another thread maps the pages of a large file") {
    PerfBuilder perf = start({test::dwarf_event()});
    for (std::uint64_t i = 0; i < 400; ++i) {
        SampleFields sample = stack_sample(10 + i, prog_start + 0x10, {prog_start + 0x20, 0});
        sample.user_stack.resize(60'000);
        perf.sample(sample);
    }
    const TempFile file(perf.build());
    MappedFile::catch_lost_pages();
    for (const unsigned threads : {1u, 2u}) {
        Diagnostics diagnostics;
        const Result<PerfFile> opened = PerfFile::open(file.path(), diagnostics);
        REQUIRE(opened.has_value());
        REQUIRE(opened->file_size() > 20'000'000);
        const Result<Scan> scan = opened->scan(diagnostics, threads);
        REQUIRE(scan.has_value());
        CHECK(scan->sample_count == 400);
        CHECK(scan->coverage.is_whole());
        CHECK_FALSE(diagnostics.input_damaged());
    }
}
