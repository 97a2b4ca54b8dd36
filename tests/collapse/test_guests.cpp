// Samples that were taken while a virtual machine ran.
#include <doctest/doctest.h>

#include "perfdata/format.h"
#include "support/perf_builder.h"
#include "tests/collapse/folded_recording.h"

using namespace fgread;
using fgread::test::PerfBuilder;
using fgread::testing::fold_bytes;

namespace {

void add_sample(PerfBuilder& perf, CpuMode mode, std::vector<std::uint64_t> chain) {
    perf.sample({.ip = 0x50,
                 .pid = 7,
                 .tid = 7,
                 .time = 10,
                 .period = 10,
                 .callchain = std::move(chain),
                 .mode = mode});
}

PerfBuilder start() {
    PerfBuilder perf;
    EventAttr event = test::cpu_clock_event();
    event.sample_type |= format::sample_callchain;
    perf.add_event(event);
    perf.comm({7, 7, 1}, "qemu", test::exec);
    return perf;
}

FoldOptions with_guests() {
    FoldOptions options;
    options.aggregate.guests = true;
    return options;
}

}  // namespace

TEST_CASE("a guest's sample is a frame on the thread that runs the guest, if asked for") {
    PerfBuilder perf = start();
    add_sample(perf, CpuMode::guest_kernel, {});
    add_sample(perf, CpuMode::guest_user, {});
    add_sample(perf, CpuMode::user, {});
    const auto without = fold_bytes(perf.build());
    CHECK(without.text == "qemu;[0x50] 10\n");
    CHECK(without.stats.guest_samples == 2);
    const auto with = fold_bytes(perf.build(), with_guests());
    CHECK(with.text ==
          "qemu;[guest.kernel <50>] 10\n"
          "qemu;[guest.user <50>] 10\n"
          "qemu;[0x50] 10\n");
    CHECK(with.stats.guest_samples == 0);
    CHECK(with.stats.samples == 3);
    CHECK(with.stats.frames == 3);
}

TEST_CASE("a guest stands above what its hypervisor was doing") {
    PerfBuilder perf = start();
    add_sample(perf, CpuMode::guest_kernel,
               {format::context_kernel, 0x60, format::context_user, 0x1000, 0x2000});
    CHECK(fold_bytes(perf.build(), with_guests()).text ==
          "qemu;[0x1fff];[0x1000];[0x60];[guest.kernel <50>] 10\n");
}

TEST_CASE("a guest's chain is its kernel's frames above its programs'") {
    PerfBuilder perf = start();
    add_sample(perf, CpuMode::guest_kernel,
               {format::context_guest_kernel, 0x50, 0x51, format::context_guest_user, 0x10, 0x11});
    CHECK(fold_bytes(perf.build(), with_guests()).text ==
          "qemu;[guest.user <11>];[guest.user <10>];[guest.kernel <51>];[guest.kernel <50>] 10\n");
    FoldOptions user = with_guests();
    user.aggregate.hide_kernel = true;
    CHECK(fold_bytes(perf.build(), user).text == "qemu;[guest.user <11>];[guest.user <10>] 10\n");
}

TEST_CASE("guests' frames in a host's chain are left out unless asked for") {
    PerfBuilder perf = start();
    add_sample(perf, CpuMode::user,
               {format::context_guest_user, 0x10, format::context_user, 0x1000});
    CHECK(fold_bytes(perf.build()).text == "qemu;[0x1000] 10\n");
    CHECK(fold_bytes(perf.build(), with_guests()).text == "qemu;[0x1000];[guest.user <10>] 10\n");
}

TEST_CASE("a guest's frames are no module's in the statistics") {
    PerfBuilder perf = start();
    add_sample(perf, CpuMode::guest_kernel, {});
    FoldOptions options = with_guests();
    options.module_detail = ModuleDetail::always;
    const auto folded = fold_bytes(perf.build(), options);
    CHECK(folded.stats.modules.empty());
    CHECK(folded.stats.unnamed_samples == 0);
}
