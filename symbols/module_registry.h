// ModuleCache's inside, shared with the Symbolizer.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <tuple>
#include <vector>

#include "perfdata/address_space.h"
#include "symbols/binary.h"
#include "symbols/file_finder.h"
#include "symbols/jit_code.h"
#include "symbols/kernel_symbols.h"
#include "symbols/module_cache.h"

namespace fgread {

// A file of this machine under one recorded path, or what stands for a file that could not be
// opened. Immutable once it is in the registry.
struct Module {
    ModuleInfo info;
    std::string label;               // "[" + info.short_name + "]"
    std::shared_ptr<Binary> binary;  // null unless loaded
    PathKind kind = PathKind::file;
    // Kernel only, if there is a file: what to take from an address to get one of the file.
    std::uint64_t bias = 0;
    // A guest's kernel is another one than the recorded machine's: its addresses have no names.
    bool is_guest = false;
    // Kernel only: where the recording says that `anchor` was; 0 if it does not say.
    std::string function;         // of KSYMBOL: the only function there is
    bool is_kernel_copy = false;  // addresses are those of the kernel's text it is a copy of
    std::string anchor;
    std::uint64_t anchor_address = 0;
    // JIT code only: what names its addresses. One of them, and it lives as long as the registry.
    const JitProcess* jit_process = nullptr;
    const JitDump* jitdump = nullptr;
};

struct ModuleCache::Impl {
    Impl(const MappingTable& mapping_table, ModuleSources sources)
        : table(mapping_table), finder(std::move(sources)) {}

    const MappingTable& table;
    const FileFinder finder;

    // The module of a mapping's image; opens its file the first time.
    const Module& module_of(const Mapping& mapping);
    // Null for id 0 and for ids never given out. The module lives as long as the registry.
    [[nodiscard]] const Module* find(ModuleId id) const;
    [[nodiscard]] std::size_t count() const;

    // JIT code of a perf map, in memory that `found` calls `path`; and that of a jitdump.
    const Module& module_of(const JitProcess& process, MappingId found);
    const Module& module_of(const JitDump& dump);
    const Module& vsyscall();
    // Null before use_processes().
    std::unique_ptr<JitCode> jit;

    // The kernel's own text; null if no record says where it was. O(mappings) on the first call.
    const Module* kernel();
    // Names of kernel addresses, read on the first call.
    const KernelSymbols& kernel_symbols();
    // Those of the kernel's own image: from perf's cache where that will do.
    const KernelSymbols& kernel_image_symbols();
    // What became of them; `loaded` before the first call.
    [[nodiscard]] KernelListing kernel_listing() const;

private:
    // One per Image: its file is opened under its own lock, so that others go on meanwhile.
    struct Slot {
        std::once_flag once;
        const Module* module = nullptr;
    };
    Slot& slot_of(ImageId image);
    const Module* open(const Image& image, const Mapping& mapping);
    void open_kernel_file(const Image& image, const Mapping& mapping, Module& module);
    const Module* add(Module module);
    std::shared_ptr<Binary> share(FoundFile found);
    [[nodiscard]] DwarfLines lines_wanted() const;
    [[nodiscard]] const Module* recorded_kernel() const;
    [[nodiscard]] bool is_kernel_of_this_boot() const;

    using FileKey = std::tuple<FileIdentity, std::string>;
    // Modules with equal keys are one: binary or names of JIT code, state, path, recorded build-id.
    using ModuleKey = std::tuple<const void*, ModuleState, std::string, BuildId>;

    mutable std::shared_mutex mutex_;
    std::vector<std::unique_ptr<Slot>> slots_;  // by ImageId
    std::deque<Module> modules_;                // by ModuleId - 1; never moves its elements
    std::map<ModuleKey, const Module*> by_key_;
    std::map<FileKey, std::shared_ptr<Binary>> files_;

    std::once_flag kernel_module_once_, kernel_once_, kernel_image_once_;
    const Module* kernel_module_ = nullptr;
    KernelSymbols kernel_symbols_;
    std::optional<KernelSymbols> kernel_image_symbols_;  // of perf's cache
    KernelListing kernel_listing_;
};

}  // namespace fgread
