#include "collapse/deferred_chains.h"

#include <doctest/doctest.h>

#include "perfdata/format.h"
#include "support/perf_builder.h"
#include "tests/collapse/folded_recording.h"

using namespace fgread;
using fgread::test::Bytes;
using fgread::test::PerfBuilder;
using fgread::testing::fold_bytes;

namespace {

using Words = std::vector<std::uint64_t>;

EventAttr deferring_event() {
    EventAttr attr = test::cpu_clock_event();
    attr.sample_type |= format::sample_callchain;
    return attr;
}

PerfBuilder start() {
    PerfBuilder perf;
    perf.add_event(deferring_event());
    perf.comm({7, 7, 1}, "prog", test::exec);
    perf.comm({7, 8, 1}, "other", false);
    return perf;
}

void add_sample(PerfBuilder& perf, std::int32_t tid, std::uint64_t time, const Words& chain) {
    perf.sample({.ip = chain.size() > 1 ? chain[1] : 0x10,
                 .pid = 7,
                 .tid = tid,
                 .time = time,
                 .period = 10,
                 .callchain = chain,
                 .mode = CpuMode::kernel});
}

// A sample in the kernel at `ip`, whose user part is to follow.
void add_waiting(PerfBuilder& perf, std::int32_t tid, std::uint64_t time, std::uint64_t ip,
                 std::uint64_t cookie) {
    add_sample(perf, tid, time,
               {format::context_kernel, ip, format::context_user_deferred, cookie});
}

void add_chain(PerfBuilder& perf, std::int32_t tid, std::uint64_t time, std::uint64_t cookie,
               const Words& chain) {
    perf.kernel_record(format::record_callchain_deferred, 2,
                       Bytes().u64(cookie).u64(chain.size()).words(chain), {7, tid, time});
}

std::uint64_t missing(const FoldStats& stats) {
    return stats.diagnostics[Problem::deferred_chain_missing].count;
}

}  // namespace

TEST_CASE("samples in the kernel get the user part that was recorded when they left it") {
    PerfBuilder perf = start();
    add_waiting(perf, 7, 10, 0x50, 1);
    add_waiting(perf, 7, 11, 0x60, 1);
    add_chain(perf, 7, 12, 1, {0x1000, 0x2000});
    add_waiting(perf, 7, 13, 0x50, 2);
    add_chain(perf, 7, 14, 2, {0x1000, 0x3000});
    const auto folded = fold_bytes(perf.build());
    CHECK(folded.text ==
          "prog;[0x1fff];[0x1000];[0x50] 10\n"
          "prog;[0x1fff];[0x1000];[0x60] 10\n"
          "prog;[0x2fff];[0x1000];[0x50] 10\n");
    CHECK(missing(folded.stats) == 0);
    CHECK(folded.stats.samples == 3);
    CHECK(folded.stats.frames == 9);
    CHECK(folded.stats.stop_reasons[static_cast<std::size_t>(StopReason::recorded)] == 3);
    // A stream brings the same.
    perf.finished_round();
    CHECK(fold_bytes(perf.build_pipe()).text == folded.text);
    perf.compress(64, format::record_compressed2);
    CHECK(fold_bytes(perf.build()).text == folded.text);
}

TEST_CASE("a user part that another processor wrote may stand before its sample") {
    PerfBuilder perf = start();
    add_chain(perf, 7, 12, 1, {0x1000});
    add_waiting(perf, 7, 10, 0x50, 1);
    const auto folded = fold_bytes(perf.build());
    CHECK(folded.text == "prog;[0x1000];[0x50] 10\n");
    CHECK(missing(folded.stats) == 0);
}

TEST_CASE("a user part belongs to its thread and its cookie alone") {
    PerfBuilder perf = start();
    add_waiting(perf, 7, 10, 0x50, 1);
    add_waiting(perf, 8, 11, 0x60, 1);
    add_chain(perf, 8, 12, 1, {0x1000});
    add_chain(perf, 7, 13, 2, {0x2000});
    const auto folded = fold_bytes(perf.build());
    CHECK(folded.text == "other;[0x1000];[0x60] 10\nprog;[0x50] 10\n");
    CHECK(missing(folded.stats) == 1);
    CHECK(folded.stats.samples == 2);
    CHECK_FALSE(folded.stats.diagnostics.input_damaged());
}

TEST_CASE("a user part that never comes is told of, and its sample keeps its weight") {
    PerfBuilder perf = start();
    add_waiting(perf, 7, 10, 0x50, 1);
    const std::uint64_t second = perf.next_offset();
    // Nothing but a cookie: the sample was in user mode.
    perf.sample({.ip = 0x1234,
                 .pid = 7,
                 .tid = 7,
                 .time = 11,
                 .period = 5,
                 .callchain = {format::context_user_deferred, 2}});
    const auto folded = fold_bytes(perf.build());
    CHECK(folded.text == "prog;[0x1234] 5\nprog;[0x50] 10\n");
    CHECK(missing(folded.stats) == 2);
    CHECK(folded.stats.diagnostics[Problem::deferred_chain_missing].first_offset < second);
    CHECK(folded.stats.frames == 2);
    CHECK(folded.stats.stop_reasons[static_cast<std::size_t>(StopReason::no_registers)] == 2);
}

TEST_CASE("a sample in user mode gets its user part too") {
    PerfBuilder perf = start();
    perf.sample({.ip = 0x1234,
                 .pid = 7,
                 .tid = 7,
                 .time = 11,
                 .callchain = {format::context_user_deferred, 2}});
    add_chain(perf, 7, 12, 2, {0x1234, 0x2000});
    CHECK(fold_bytes(perf.build()).text == "prog;[0x1fff];[0x1234] 1\n");
}

TEST_CASE("where one half is not to be shown, nothing is missing") {
    PerfBuilder perf = start();
    add_waiting(perf, 7, 10, 0x50, 1);
    add_chain(perf, 7, 12, 1, {0x1000});
    add_waiting(perf, 7, 13, 0x60, 2);  // no chain
    FoldOptions options;
    options.aggregate.hide_user = true;
    const auto kernel = fold_bytes(perf.build(), options);
    CHECK(kernel.text == "prog;[0x50] 10\nprog;[0x60] 10\n");
    CHECK(missing(kernel.stats) == 0);
    options.aggregate.hide_user = false;
    options.aggregate.hide_kernel = true;
    const auto user = fold_bytes(perf.build(), options);
    CHECK(user.text == "prog 10\nprog;[0x1000] 10\n");
    CHECK(missing(user.stats) == 1);
}

TEST_CASE("a user part without its thread, or cut, is damage") {
    PerfBuilder perf = start();
    add_waiting(perf, 7, 10, 0x50, 1);
    perf.kernel_record(format::record_callchain_deferred, 2, Bytes().u64(1).u64(100), {7, 7, 11});
    const auto folded = fold_bytes(perf.build());
    CHECK(folded.text == "prog;[0x50] 10\n");
    CHECK(folded.stats.diagnostics[Problem::record_too_small].count == 1);
}

TEST_CASE("what waits is bounded: the oldest sample goes first, none is lost") {
    std::vector<std::uint64_t> without, with;
    DeferredChains chains([&](const DeferredSample& sample, const std::vector<FrameId>* user) {
        (user == nullptr ? without : with).push_back(sample.period);
    });
    const std::uint64_t count = DeferredChains::max_samples + 10;
    for (std::uint64_t i = 0; i < count; ++i) {
        DeferredSample sample;
        sample.key = {Tid{1}, i % 2};
        sample.period = i;
        chains.add(std::move(sample));
    }
    CHECK(without == Words{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
    chains.add(DeferredChain{{Tid{1}, 0}, {1, 2}});
    CHECK(with.size() == DeferredChains::max_samples / 2);
    CHECK(with.front() == 10);
    chains.finish();
    CHECK(with.size() + without.size() == count);
}

TEST_CASE("of the user parts, the latest are kept") {
    std::size_t with = 0;
    DeferredChains chains([&](const DeferredSample&, const std::vector<FrameId>* user) {
        if (user != nullptr) ++with;
    });
    const std::uint64_t count = DeferredChains::max_chains + 10;
    for (std::uint64_t i = 0; i < count; ++i) chains.add(DeferredChain{{Tid{1}, i}, {7}});
    const auto ask = [&](std::uint64_t cookie) {
        DeferredSample sample;
        sample.key = {Tid{1}, cookie};
        chains.add(std::move(sample));
    };
    ask(9);
    ask(10);
    ask(count - 1);
    chains.finish();
    CHECK(with == 2);
}
