#include <doctest/doctest.h>

#include <string>

#include "collapse/quality_report.h"
#include "collapse/source_report.h"
#include "support/json.h"
#include "support/perf_builder.h"
#include "tests/collapse/folded_recording.h"

using namespace fgread;
using namespace fgread::test;

namespace {

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

// Ten samples of equal size, five of them in the kernel.
PerfBuilder ten_samples() {
    PerfBuilder perf;
    perf.add_event(cpu_clock_event());
    perf.mmap2({.pid = -1}, {.start = 0xffffffff81000000,
                             .length = 0x1000000,
                             .file_offset = 0xffffffff81000000,
                             .path = "[kernel.kallsyms]_text",
                             .mode = CpuMode::kernel});
    for (std::uint64_t i = 0; i < 10; ++i) {
        const bool kernel = i % 2 == 0;
        perf.sample({.ip = kernel ? 0xffffffff81000100 : 0x1000,
                     .pid = 7,
                     .tid = 7,
                     .time = i + 1,
                     .mode = kernel ? CpuMode::kernel : CpuMode::user});
    }
    perf.hostname("another-host");
    return perf;
}

FoldStats fold(const std::vector<std::byte>& bytes) {
    FoldOptions options;
    options.module_detail = ModuleDetail::always;
    return fgread::testing::fold_bytes(bytes, options).stats;
}

std::vector<std::byte> cut(std::vector<std::byte> bytes, std::uint64_t size) {
    bytes.resize(static_cast<std::size_t>(size));
    return bytes;
}

}  // namespace

TEST_CASE("of a whole recording nothing is said but where the kernel's names are from") {
    const FoldStats stats = fold(ten_samples().build());
    CHECK(stats.coverage.is_whole());
    CHECK(source_text(stats) ==
          "kernel   no names: the recording does not say which kernel it was\n");
    CHECK_FALSE(has(report_text(stats), "of those that were read"));
}

TEST_CASE("of a cut recording the report says where, what was read, and what that leaves unknown") {
    const PerfBuilder perf = ten_samples();
    const std::vector<std::byte> whole = perf.build();
    const std::uint64_t end = perf.next_offset();
    PerfBuilder one = ten_samples();
    one.sample({.ip = 0x1000, .pid = 7, .tid = 7, .time = 11});
    const std::uint64_t sample_size = one.next_offset() - end;
    // Three samples and a half are lost.
    const std::uint64_t size = end - 4 * sample_size + sample_size / 2;
    const FoldStats stats = fold(cut(whole, size));
    CHECK(stats.samples == 6);
    CHECK(stats.coverage.read_end == end - 4 * sample_size);
    CHECK(stats.coverage.unread_bytes == sample_size / 2);
    CHECK(stats.coverage.missing_bytes == end - size);
    CHECK(stats.coverage.lost_features);
    const std::string text = report_text(stats);
    for (const std::string& part :
         {"cut: " + std::to_string(end - size) + " of ",
          "read up to byte " + std::to_string(size - sample_size / 2),
          "the " + std::to_string(sample_size / 2) + " bytes behind it could not be read",
          std::string("6 samples were read, and all that is said here is of them"),
          std::string("without its end, where build-ids, host and command stand"),
          std::string("no names: the recording does not say which kernel it was"),
          std::string(", of those that were read")}) {
        CAPTURE(part);
        CHECK(has(text, part));
    }
    CHECK_FALSE(has(text, "running kernel is not"));
    const Json input = Json::parse(stats_json(stats))["input"];
    CHECK(input["whole"] == false);
    CHECK(input["closed"] == true);
    CHECK(input["features_lost"] == true);
    CHECK(input["missing_bytes"] == end - size);
}

TEST_CASE("of a killed recorder's file nobody knows what is missing") {
    PerfBuilder perf = ten_samples();
    perf.closed = false;
    const FoldStats stats = fold(perf.build());
    CHECK(stats.samples == 10);
    CHECK_FALSE(stats.coverage.closed);
    CHECK(stats.coverage.read_end == perf.next_offset());
    const std::string text = report_text(stats);
    CHECK(has(text, "never closed"));
    CHECK(has(text, "how many samples are missing, nobody knows"));
    CHECK(has(text, "which kernel it was"));
    CHECK_FALSE(has(text, "behind it"));
    const Json json = Json::parse(report_json(stats));
    CHECK(json["input"]["closed"] == false);
    CHECK(json["kernel"]["names"] == "unknown");
    CHECK(json["kernel"]["source"] == "none");
}

TEST_CASE("of a pipe that was cut nobody knows what is missing") {
    const std::vector<std::byte> whole = ten_samples().build_pipe();
    const FoldStats stats = fold(cut(whole, whole.size() - 10));
    CHECK(stats.samples == 9);
    CHECK(stats.coverage.stopped);
    CHECK(stats.coverage.unread_bytes != 0);
    const std::string text = report_text(stats);
    CHECK(has(text, "the stream ends inside a record"));
    CHECK(has(text, "nobody knows"));
}

TEST_CASE("a recording cut behind its records has all samples, but no features") {
    const PerfBuilder perf = ten_samples();
    const FoldStats stats = fold(cut(perf.build(), perf.next_offset()));
    CHECK(stats.samples == 10);
    CHECK(stats.coverage.is_whole());
    CHECK(stats.coverage.lost_features);
    CHECK(stats.diagnostics[Problem::feature_malformed].count == 1);
    const std::string text = report_text(stats);
    CHECK(has(text, "without its end"));
    CHECK_FALSE(has(text, "were read"));
}

TEST_CASE("damage in the middle, skipped samples, and a pipe that nobody reads on") {
    FoldStats stats;
    stats.coverage.stopped = true;
    stats.coverage.read_end = 777;
    stats.coverage.unread_bytes = 50;
    stats.coverage.read_bytes = 100;
    stats.samples = 20;
    stats.diagnostics.add(Problem::record_size_invalid, 777);
    stats.diagnostics.add(Problem::sample_malformed, 5);
    std::string text = source_text(stats);
    CHECK(has(text, "record of impossible size"));
    CHECK(has(text, "read up to byte 777; the 50 bytes"));
    CHECK(has(text, "some 10 samples are missing"));
    CHECK(has(text, "1 time: sample whose contents run past its end; skipped"));
    stats.coverage.end_known = false;
    CHECK(has(source_text(stats), "how many samples are missing, nobody knows"));
    stats.coverage.unread_bytes.reset();
    text = source_text(stats);
    CHECK(has(text, "what follows there was not looked at"));
    CHECK(has(text, "nobody knows"));
    CHECK(Json::parse(stats_json(stats))["input"]["unread_bytes"].text() == "null");
}

TEST_CASE("where the kernel's names are from") {
    FoldStats stats;
    stats.kernel.sampled = true;
    const auto text = [&](KernelNames names, KernelSource source) {
        stats.kernel.listing = {names, source};
        return source_text(stats);
    };
    CHECK(has(text(KernelNames::loaded, KernelSource::build_id), "has the recorded build-id"));
    CHECK(has(text(KernelNames::loaded, KernelSource::given), "taken at its word"));
    CHECK(has(text(KernelNames::loaded, KernelSource::boot), "since the machine booted"));
    CHECK(has(text(KernelNames::mismatch, KernelSource::cache), "perf's copy"));
    CHECK(has(text(KernelNames::mismatch, KernelSource::none),
              "no names: the running kernel is not the recorded one"));
    CHECK(has(text(KernelNames::restricted, KernelSource::none), "only zeros"));
    CHECK(has(text(KernelNames::unavailable, KernelSource::none), "cannot be read"));
    stats.kernel.file = "/boot/vmlinux\x1b";
    CHECK(has(text(KernelNames::unknown, KernelSource::none), "names from /boot/vmlinux\\x1b\n"));
}
