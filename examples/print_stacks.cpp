// Prints the user stack of every sample, innermost function first:  print_stacks perf.data
#include <iostream>

#include "collapse/fold.h"
#include "perfdata/format.h"
#include "perfdata/ordered_reader.h"
#include "unwind/x86_64.h"
using namespace fgread;

int main(int argc, char** argv) {
    Diagnostics diagnostics;
    const auto file = PerfFile::open(argc > 1 ? argv[1] : "perf.data", diagnostics);
    if (!file) return std::cout << file.error().message << "\n", 1;
    OrderedReader reader(*file, diagnostics);
    const ProcessTable& processes = reader.processes();
    ModuleCache modules(processes.mappings(), module_sources(*file, "", ""));
    Symbolizer symbolizer(modules, {});
    StackWalker walker(modules);
    std::vector<WalkedFrame> frames;
    while (const auto item = reader.next()) {
        if (item->record.type != format::record_sample) {
            walker.forget_spaces();  // it may have mapped or unmapped something
            continue;
        }
        const auto decoded = file->decode_sample(item->record, diagnostics);
        if (!decoded || decoded->sample.user_stack.empty()) continue;  // or a kernel thread
        const SampleView& sample = decoded->sample;
        const AddressSpace& space = *processes.process_at(sample.pid, item->when).user;
        const RegisterFile registers = x86_64::registers_from_sample(sample.user_regs);
        const StackMemory stack(Avma{registers[x86_64::rsp]}, sample.user_stack);
        const StopReason end = walker.walk(space, item->when, registers, stack, frames).reason;
        for (const WalkedFrame& walked : frames) {
            const InlineChain chain = symbolizer.symbolize(walked.frame);
            if (chain.functions.empty()) std::cout << "    " << chain.module_label << "\n";
            for (const auto& f : chain.functions) std::cout << "    " << f.name << "\n";
        }
        std::cout << "  thread " << sample.tid.value << ": " << stop_reason_text(end) << "\n\n";
    }
    return diagnostics.input_damaged() ? 3 : 0;
}
