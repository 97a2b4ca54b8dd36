// ModuleCache: from a mapping in the recording to the binary on this machine, opened once.
//
// Decides per module whether a local file may be used (build-id equal; or none recorded and the
// recording is from this machine, and the file is not newer), opens it, finds its unwind sections
// and symbols. Implements ModuleProvider for the walker.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "perfdata/diagnostics.h"
#include "perfdata/process_table.h"
#include "symbols/kernel_symbols.h"
#include "symbols/module_sources.h"
#include "unwind/module_provider.h"

namespace fgread {

// Thread-safe. What was read of a file stays in memory as long as the cache; no file stays open.
class ModuleCache final : public ModuleProvider {
public:
    // `table` must outlive the cache; it may grow while the cache is used from one thread only.
    ModuleCache(const MappingTable& table, ModuleSources sources);
    ~ModuleCache() override;
    ModuleCache(const ModuleCache&) = delete;
    ModuleCache& operator=(const ModuleCache&) = delete;

    // Opens the file of an image on its first mapping: tens of microseconds, and 1 ms per 5 MB of
    // .eh_frame. A module is a file of this machine under one recorded path, so that all processes
    // that mapped it share it. What bias makes of an address: the SVMA if the file was opened; the
    // file offset if it was not; the address itself for the kernel and for anonymous memory.
    CodeMapping resolve(MappingId mapping) override;
    // JIT code by the jitdumps and perf maps of its process, once use_processes() was called. A
    // process's files are read on its first call.
    std::optional<CodeSpan> find_code(const AddressSpace& space, const AddressSpace::Found& found,
                                      Avma address, EventTime when) override;
    std::optional<std::uint64_t> read_word(ModuleId module, Svma svma) override;
    std::optional<FunctionRange> function_at(ModuleId module, Svma pc) override;

    // Whose address spaces the recording has, so that code without a file can be named. `processes`
    // must outlive the cache. `monotonic`: the recording's clock is CLOCK_MONOTONIC, which is that
    // of jitdumps. Call it before the first find_code().
    void use_processes(const ProcessTable& processes, bool monotonic);

    // Ids are 1 .. module_count(), in the order of the first resolve() (which with several threads
    // is not the same on every run); id 0 is the unknown module.
    [[nodiscard]] std::size_t module_count() const;
    [[nodiscard]] ModuleInfo info(ModuleId id) const;
    // What there is in the file of a module (and its debug file) to name functions by; nothing of
    // one that has no file. Reads their headers.
    struct NameSources {
        bool symbols = false, debug_info = false;
    };
    [[nodiscard]] NameSources name_sources(ModuleId id) const;
    // Where the rule at `pc` of a module comes from (a lookup address, as for UnwindTable::find).
    [[nodiscard]] RuleSource rule_source(ModuleId id, Svma pc) const;
    // What became of the kernel's names, and whose they are; `loaded` from none before they were
    // needed.
    [[nodiscard]] KernelListing kernel_listing() const;
    // One problem per module that is not loaded, in the order of their paths; then those of perf
    // maps and jitdumps.
    [[nodiscard]] Diagnostics diagnostics() const;

    struct Impl;
    [[nodiscard]] Impl& impl() { return *impl_; }  // for Symbolizer

private:
    std::unique_ptr<Impl> impl_;
};

}  // namespace fgread
