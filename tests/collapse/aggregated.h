// Small recordings, and what aggregate() makes of them.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "collapse/aggregate.h"
#include "support/cfi_builder.h"
#include "support/perf_builder.h"

namespace fgread::testing {

using test::PerfBuilder;
using test::SampleFields;

constexpr std::uint64_t prog_start = 0x400000;
constexpr std::uint64_t kernel_start = 0xffffffff81000000;
constexpr std::uint64_t stack_top = 0x7ffc00000000;
// Places of rsp and rip among the registers of mask 0xff0fff.
constexpr std::size_t sp_register = 7;
constexpr std::size_t ip_register = 8;
constexpr std::size_t register_count = 20;

// Every mapping is a module of its own. The code of user modules pushes nothing: a frame is its
// return address.
class PushNothing final : public ModuleProvider {
public:
    PushNothing();
    CodeMapping resolve(MappingId mapping) override {
        ++resolved;
        return {ModuleId{mapping.value}, 0, table_.get(), {}, {}};
    }
    std::optional<std::uint64_t> read_word(ModuleId, Svma) override { return std::nullopt; }

    std::atomic<int> resolved = 0;

private:
    test::CfiBuilder cfi_;
    std::unique_ptr<UnwindTable> table_;
};

// pid 7 is "prog", with its text at prog_start.
PerfBuilder start(std::vector<EventAttr> events);

// A sample in pc whose stack holds `callers`.
SampleFields stack_sample(std::uint64_t time, std::uint64_t pc,
                          const std::vector<std::uint64_t>& callers);

struct Aggregated {
    Profile profile;
    Diagnostics diagnostics;
};

Aggregated run(const std::string& path, const AggregateOptions& options = {});
Aggregated run(const PerfBuilder& perf, const AggregateOptions& options = {});

// Several MiB of samples with stacks, kernel parts, two events, three threads.
std::vector<std::byte> large_recording(std::uint64_t& samples, std::uint64_t& period);

}  // namespace fgread::testing
