// Micro-benchmarks of the stages, on a recording of the fixtures:  micro FIXTURES_DIR
// The numbers to compare are those before and after a change, on one machine.
#include <benchmark/benchmark.h>

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collapse/fold.h"
#include "collapse/stack_trie.h"
#include "perfdata/format.h"
#include "perfdata/ordered_reader.h"
#include "symbols/demangle.h"
#include "symbols/dwarf_index.h"
#include "symbols/elf_image.h"
#include "symbols/regular_file.h"
#include "symbols/unwind_sections.h"
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

// The program of the fixture, with its debug information.
std::optional<ElfImage> program() {
    OpenFailure failure{};
    auto file = RegularFile::open("/tmp/fgread-fixtures/cpp_threads", fixture + "/symfs", failure);
    return file ? ElfImage::read(std::move(*file)) : std::nullopt;
}

// Addresses all over its code.
std::vector<Svma> addresses_of(const ElfImage& image) {
    constexpr std::uint64_t step = 61;
    std::vector<Svma> addresses;
    for (const Section& section : image.sections()) {
        if (!section.executable()) continue;
        for (std::uint64_t at = 0; at < section.size; at += step) {
            addresses.push_back(Svma{section.address.value + at});
        }
    }
    return addresses;
}

// One item is one look-up; the rules are compiled before the first.
void look_up_rules(benchmark::State& state) {
    const auto image = program();
    if (!image) return state.SkipWithError("no program in the fixture");
    const UnwindBytes bytes = read_unwind_sections(*image, nullptr);
    const UnwindTable table(bytes.sections);
    const std::vector<Svma> addresses = addresses_of(*image);
    for (const Svma address : addresses) benchmark::DoNotOptimize(table.find(address));
    for (auto _ : state) {
        for (const Svma address : addresses) benchmark::DoNotOptimize(table.find(address));
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(addresses.size()));
}
BENCHMARK(look_up_rules);

// One item is one address whose rule is compiled from .eh_frame, or shares a KiB with one that was.
void compile_rules(benchmark::State& state) {
    const auto image = program();
    if (!image) return state.SkipWithError("no program in the fixture");
    const UnwindBytes bytes = read_unwind_sections(*image, nullptr);
    const std::vector<Svma> addresses = addresses_of(*image);
    for (auto _ : state) {
        const UnwindTable table(bytes.sections);
        for (const Svma address : addresses) benchmark::DoNotOptimize(table.find(address));
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(addresses.size()));
}
BENCHMARK(compile_rules);

// One item is one frame put on a stack, half of which are new.
void insert_stacks(benchmark::State& state) {
    constexpr std::uint32_t stack_count = 1000, depth = 30, shared = 15;
    for (auto _ : state) {
        StackTrie trie;
        for (std::uint32_t number = 0; number < stack_count; ++number) {
            StackId stack = trie.root(0);
            for (std::uint32_t level = 0; level < depth; ++level) {
                stack = trie.child(stack, level < shared ? level : level + depth * number);
            }
        }
        benchmark::DoNotOptimize(trie.size());
    }
    state.SetItemsProcessed(state.iterations() * stack_count * depth);
}
BENCHMARK(insert_stacks);

// One item is one DIE: units are indexed, their DIEs walked and painted.
void paint_inlines(benchmark::State& state) {
    const auto image = program();
    if (!image) return state.SkipWithError("no program in the fixture");
    const DwarfSections sections = read_dwarf_sections(*image);
    const std::vector<Svma> addresses = addresses_of(*image);
    std::vector<InlineFrame> chain;
    std::int64_t dies = 0;
    for (auto _ : state) {
        DwarfInputs inputs;
        inputs.debug_file = sections;
        const auto index = DwarfIndex::open(std::move(inputs));
        if (!index) return state.SkipWithError("no debug information in the fixture");
        for (const Svma address : addresses) index->chain(address, false, chain);
        dies += static_cast<std::int64_t>(index->stats().dies_walked);
    }
    state.SetItemsProcessed(dies);
}
BENCHMARK(paint_inlines);

// One item is one name.
void demangle_names(benchmark::State& state) {
    constexpr std::array<std::string_view, 4> names = {
        "_ZN4work6NestedIjLi6EE3runEji",
        "_ZNSt8_Rb_treeISsSt4pairIKSsiESt10_Select1stIS2_ESt4lessISsESaIS2_EE8_M_eraseEPSt13_Rb_"
        "tree_nodeIS2_E",
        "_ZN4core3ptr42drop_in_place$LT$alloc..string..String$GT$17h0123456789abcdefE",
        "_RNvXs_NtCs1234_7mycrate3fooNtB4_3BarNtNtCs5678_4core3fmt5Debug3fmt"};
    for (auto _ : state) {
        for (const std::string_view name : names) benchmark::DoNotOptimize(demangle(name));
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(names.size()));
}
BENCHMARK(demangle_names);

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
