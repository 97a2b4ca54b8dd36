#include "symbols/module_cache.h"

#include <algorithm>

#include "symbols/boot_time.h"
#include "symbols/kernel_files.h"
#include "symbols/module_registry.h"

namespace fgread {
namespace {

constexpr std::string_view kernel_image = "[kernel.kallsyms]";
// With page table isolation, Linux 4.15 to 4.20 enters system calls through a page per processor.
// Its MMAP records give as file offset the address of the code that the page is a copy of.
constexpr std::string_view entry_trampoline = "__entry_SYSCALL_64_trampoline";
constexpr std::string_view guest_image = "[guest.kernel.kallsyms";
// A page that x86-64 has at the same address in all processes. It is no mapping of theirs, so a
// recording mentions it only of processes that were there before perf (which reads /proc/PID/maps).
constexpr CodeSpan vsyscall_page{
    {}, {0xffffffffff600000}, {0xffffffffff601000}, {}, {~std::uint64_t{0}, ~std::uint64_t{0}}};

std::string_view basename_of(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string_view without_brackets(std::string_view name) {
    if (name.starts_with('[') && name.ends_with(']') && name.size() > 2) {
        name = name.substr(1, name.size() - 2);
    }
    return name;
}

std::string short_name(const Image& image, PathKind kind) {
    if (kind == PathKind::kernel) {
        if (image.is_function) return "kernel.function";
        if (image.path == entry_trampoline) return "kernel";
        if (image.path.starts_with(kernel_image)) return "kernel";
        return image.path.starts_with(guest_image) ? "guest.kernel"
                                                   : kernel_module_name(image.path);
    }
    const std::string_view name = without_brackets(basename_of(without_deleted(image.path)));
    return name.empty() ? "unknown" : std::string(name);
}

Problem problem_of(ModuleState state) {
    switch (state) {
        case ModuleState::mismatch:
            return Problem::module_mismatch;
        case ModuleState::not_regular:
            return Problem::module_not_regular;
        case ModuleState::unreadable:
            return Problem::module_unreadable;
        case ModuleState::foreign:
            return Problem::module_foreign;
        default:
            return Problem::module_missing;
    }
}

bool is_problem(ModuleState state) {
    return state != ModuleState::loaded && state != ModuleState::anonymous &&
           state != ModuleState::kernel && state != ModuleState::generated;
}

}  // namespace

ModuleCache::Impl::Slot& ModuleCache::Impl::slot_of(ImageId image) {
    const std::lock_guard lock(mutex_);
    if (slots_.size() <= image.value) slots_.resize(std::size_t{image.value} + 1);
    std::unique_ptr<Slot>& slot = slots_[image.value];
    if (!slot) slot = std::make_unique<Slot>();
    return *slot;
}

const Module& ModuleCache::Impl::module_of(const Mapping& mapping) {
    Slot& slot = slot_of(mapping.image);
    std::call_once(slot.once, [&] { slot.module = open(table.image(mapping.image), mapping); });
    return *slot.module;
}

const Module* ModuleCache::Impl::open(const Image& image, const Mapping& mapping) {
    Module module;
    module.kind = path_kind(image);
    module.info.path = image.path;
    module.info.short_name = short_name(image, module.kind);
    module.info.recorded_build_id = image.build_id;
    if (module.kind == PathKind::anonymous) {
        module.info.state = ModuleState::anonymous;
        return add(std::move(module));
    }
    if (module.kind == PathKind::kernel) {
        module.info.state = ModuleState::kernel;
        module.is_guest = image.mode != CpuMode::kernel;
        if (image.is_function) module.function = image.path;
        module.is_kernel_copy = image.path == entry_trampoline;
        if (image.path.starts_with(kernel_image)) {
            module.anchor = image.path.substr(kernel_image.size());
            module.anchor_address = mapping.file_offset;
        }
        if (!module.is_guest) open_kernel_file(image, mapping, module);
        return add(std::move(module));
    }
    FoundFile found = finder.find(image, table.last_users(mapping.image));
    module.info.state = found.state;
    module.info.fault = found.fault;
    module.info.file = found.path;
    module.info.file_build_id = found.file_build_id;
    if (found.state == ModuleState::loaded) module.binary = share(std::move(found));
    return add(std::move(module));
}

// A file is welcome but not needed: what it does not name, kallsyms may.
void ModuleCache::Impl::open_kernel_file(const Image& image, const Mapping& mapping,
                                         Module& module) {
    if (image.is_function || module.is_kernel_copy) return;
    const bool is_kernel = image.path.starts_with(kernel_image);
    KernelFile file =
        is_kernel ? find_vmlinux(image, module.anchor, module.anchor_address, finder.sources())
                  : find_kernel_module(image, mapping.start, finder.recording_is_local(),
                                       finder.sources());
    module.info.file = file.path;
    module.info.file_build_id = file.build_id;
    if (file.state != ModuleState::loaded) {
        // What the user named is told if it is no good.
        if (is_kernel && !finder.sources().vmlinux.empty()) {
            module.info.state = file.state;
            module.info.fault = file.fault;
        }
        return;
    }
    module.info.state = ModuleState::loaded;
    module.bias = file.bias;
    FoundFile found;
    found.state = ModuleState::loaded;
    found.image = std::move(file.image);
    found.file_build_id = file.build_id;
    // A module's separate debug file is an object file as well, and was looked for before.
    if (is_kernel) {
        found.path = file.path;
        if (file.in_symfs) found.root = finder.sources().symfs;
        module.binary = share(std::move(found));
    } else {
        module.binary =
            std::make_shared<Binary>(std::move(found), DebugDirectories{}, lines_wanted());
    }
}

DwarfLines ModuleCache::Impl::lines_wanted() const {
    return finder.sources().source_lines ? DwarfLines::read : DwarfLines::skip;
}

std::shared_ptr<Binary> ModuleCache::Impl::share(FoundFile found) {
    // The vdso has no identity; its build-id is in its path's place.
    FileKey key{found.image->identity(),
                found.image->identity() == FileIdentity{} ? found.file_build_id.hex() : ""};
    const std::lock_guard lock(mutex_);
    std::shared_ptr<Binary>& binary = files_[std::move(key)];
    if (binary) return binary;
    DebugDirectories directories = finder.debug_directories(found);
    binary = std::make_shared<Binary>(std::move(found), std::move(directories), lines_wanted());
    return binary;
}

const Module* ModuleCache::Impl::add(Module module) {
    const void* names = module.binary.get();
    if (module.jit_process != nullptr) names = module.jit_process;
    if (module.jitdump != nullptr) names = module.jitdump;
    ModuleKey key{names, module.info.state, module.info.path, module.info.recorded_build_id};
    const std::lock_guard lock(mutex_);
    const Module*& known = by_key_[std::move(key)];
    if (known == nullptr) {
        module.info.id = {static_cast<std::uint32_t>(modules_.size() + 1)};
        module.label = "[" + module.info.short_name + "]";
        known = &modules_.emplace_back(std::move(module));
    }
    return known;
}

const Module& ModuleCache::Impl::module_of(const JitProcess& process, MappingId found) {
    Image image;
    // An address in no recorded mapping: its record was lost, or its memory made executable later.
    image.path = found ? table.image(table.mapping(found).image).path : "//anon";
    Module module;
    module.kind = PathKind::anonymous;
    module.info.path = image.path;
    module.info.short_name = short_name(image, module.kind);
    module.info.file = process.map_path();
    module.info.state = ModuleState::generated;
    module.jit_process = &process;
    return *add(std::move(module));
}

const Module& ModuleCache::Impl::vsyscall() {
    Module module;
    module.kind = PathKind::anonymous;
    module.info.path = "[vsyscall]";
    module.info.short_name = "vsyscall";
    module.info.state = ModuleState::anonymous;
    return *add(std::move(module));
}

const Module& ModuleCache::Impl::module_of(const JitDump& dump) {
    Module module;
    module.kind = PathKind::anonymous;
    module.info.path = jit->path_of(dump);
    module.info.short_name = basename_of(module.info.path);
    module.info.file = module.info.path;
    module.info.state = ModuleState::generated;
    module.jitdump = &dump;
    return *add(std::move(module));
}

const Module* ModuleCache::Impl::find(ModuleId id) const {
    const std::shared_lock lock(mutex_);
    return id.value == 0 || id.value > modules_.size() ? nullptr : &modules_[id.value - 1];
}

std::size_t ModuleCache::Impl::count() const {
    const std::shared_lock lock(mutex_);
    return modules_.size();
}

const Module* ModuleCache::Impl::recorded_kernel() const {
    const std::shared_lock lock(mutex_);
    for (const Module& module : modules_) {
        if (module.info.path.starts_with(kernel_image)) return &module;
    }
    return nullptr;
}

// For recordings without the kernel's build-id: perf record -z and -o - write none. Unlike for
// files, a machine that the recording does not name is not taken for this one.
bool ModuleCache::Impl::is_kernel_of_this_boot() const {
    const ModuleSources& sources = finder.sources();
    const bool named =
        !sources.hostname.empty() && !sources.os_release.empty() && !sources.arch.empty();
    const bool this_boot = sources.recorded_at_ns == 0 || sources.recorded_at_ns >= booted_at_ns();
    return named && this_boot && finder.recording_is_local();
}

const Module* ModuleCache::Impl::kernel() {
    std::call_once(kernel_module_once_, [this] {
        for (std::uint32_t id = 1; id <= table.mapping_count(); ++id) {
            const Mapping& mapping = table.mapping({id});
            const Image& image = table.image(mapping.image);
            if (image.mode != CpuMode::kernel || !image.path.starts_with(kernel_image)) continue;
            kernel_module_ = &module_of(mapping);
            return;
        }
    });
    return kernel_module_;
}

const KernelSymbols& ModuleCache::Impl::kernel_symbols() {
    std::call_once(kernel_once_, [this] {
        const ModuleSources& sources = finder.sources();
        KernelSymbols symbols;
        const Module* recorded = recorded_kernel();
        std::optional<KernelAnchor> here;
        if (recorded != nullptr && is_kernel_of_this_boot()) {
            here = KernelAnchor{recorded->anchor, Avma{recorded->anchor_address}};
        }
        const KernelListing listing = load_kernel_symbols(
            sources.kallsyms, recorded != nullptr ? recorded->info.recorded_build_id : BuildId{},
            here, sources.build_id_cache, symbols);
        const std::lock_guard lock(mutex_);
        kernel_symbols_ = std::move(symbols);
        kernel_listing_ = listing;
    });
    return kernel_symbols_;
}

const KernelSymbols& ModuleCache::Impl::kernel_image_symbols() {
    std::call_once(kernel_image_once_, [this] {
        const ModuleSources& sources = finder.sources();
        const Module* recorded = recorded_kernel();
        if (!sources.kallsyms.empty() || recorded == nullptr) return;
        auto cached = load_cached_kernel_image(recorded->info.recorded_build_id,
                                               {recorded->anchor, Avma{recorded->anchor_address}},
                                               sources.build_id_cache);
        const std::lock_guard lock(mutex_);
        kernel_image_symbols_ = std::move(cached);
    });
    return kernel_image_symbols_ ? *kernel_image_symbols_ : kernel_symbols();
}

KernelListing ModuleCache::Impl::kernel_listing() const {
    const std::shared_lock lock(mutex_);
    KernelListing listing = kernel_listing_;
    if (kernel_image_symbols_) listing.source = KernelSource::cache;
    return listing;
}

ModuleCache::ModuleCache(const MappingTable& table, ModuleSources sources)
    : impl_(std::make_unique<Impl>(table, std::move(sources))) {}

ModuleCache::~ModuleCache() = default;

CodeMapping ModuleCache::resolve(MappingId id) {
    if (!id) return {};
    const Mapping& mapping = impl_->table.mapping(id);
    const Module& module = impl_->module_of(mapping);
    CodeMapping result;
    result.module = module.info.id;
    result.anonymous = module.kind == PathKind::anonymous;
    result.vdso = module.kind == PathKind::vdso;
    if (module.is_kernel_copy) result.bias = mapping.start.value - mapping.file_offset;
    if (module.kind == PathKind::kernel || result.anonymous) return result;
    // The kernel gives the vdso's mapping no meaningful file offset.
    const std::uint64_t file_offset = module.kind == PathKind::vdso ? 0 : mapping.file_offset;
    result.bias = mapping.start.value - file_offset;
    if (!module.binary) return result;
    const std::optional<Svma> start = svma_of_mapping(module.binary->segments(), file_offset,
                                                      mapping.end.value - mapping.start.value);
    if (!start) return result;
    result.bias = mapping.start.value - start->value;
    result.table = module.binary->unwind_table();
    result.bottoms = module.binary->stack_bottoms();
    if (module.binary->entry().value != 0) result.entry = module.binary->entry();
    return result;
}

void ModuleCache::use_processes(const ProcessTable& processes, bool monotonic) {
    impl_->jit = std::make_unique<JitCode>(processes, impl_->finder, monotonic);
}

std::optional<CodeSpan> ModuleCache::find_code(const AddressSpace& space,
                                               const AddressSpace::Found& found, Avma address,
                                               EventTime when) {
    if (!found.id && vsyscall_page.start <= address && address < vsyscall_page.end) {
        CodeSpan page = vsyscall_page;
        page.code.module = impl_->vsyscall().info.id;
        return page;
    }
    const JitProcess* process = impl_->jit ? impl_->jit->process_of(space) : nullptr;
    if (process == nullptr) return std::nullopt;
    CodeSpan span{{}, found.start, found.end, found.from, found.until};
    if (const auto code = process->find_dumped(address, when, span)) {
        span.code.generated = true;
        span.code.module = impl_->module_of(*code->dump).info.id;
        span.code.bias = code->placed.start.value - code->placed.svma;
        span.code.table = code->dump->unwind_table(code->placed.function);
        return span;
    }
    // Without a mapping a perf map, which may be old, is believed where it says something only.
    if (process->has_map() && (found.id || process->name_in_map(address))) {
        span.code.generated = true;
        span.code.module = impl_->module_of(*process, found.id).info.id;
        if (!found.id) span.start = address, span.end = {address.value + 1};
    }
    return span;
}

std::optional<std::uint64_t> ModuleCache::read_word(ModuleId id, Svma svma) {
    const Module* module = impl_->find(id);
    if (module != nullptr && module->jitdump != nullptr) return module->jitdump->read_word(svma);
    if (module == nullptr || !module->binary) return std::nullopt;
    return module->binary->read_word(svma);
}

std::optional<FunctionRange> ModuleCache::function_at(ModuleId id, Svma pc) {
    const Module* module = impl_->find(id);
    if (module == nullptr) return std::nullopt;
    if (module->jitdump != nullptr) return module->jitdump->range_at(pc);
    return module->binary ? module->binary->function_at(pc) : std::nullopt;
}

std::size_t ModuleCache::module_count() const { return impl_->count(); }

ModuleInfo ModuleCache::info(ModuleId id) const {
    const Module* module = impl_->find(id);
    if (module == nullptr) {
        ModuleInfo unknown;
        unknown.short_name = "unknown";
        return unknown;
    }
    ModuleInfo info = module->info;
    if (module->binary) info.debug_file = module->binary->debug_path();
    return info;
}

ModuleCache::NameSources ModuleCache::name_sources(ModuleId id) const {
    const Module* module = impl_->find(id);
    if (module == nullptr || !module->binary) return {};
    const Binary::Contents contents = module->binary->contents();
    return {contents.symbols, contents.debug_info};
}

RuleSource ModuleCache::rule_source(ModuleId id, Svma pc) const {
    const Module* module = impl_->find(id);
    if (module == nullptr || !module->binary) return RuleSource::none;
    return module->binary->unwind_table()->source_of(pc);
}

KernelListing ModuleCache::kernel_listing() const { return impl_->kernel_listing(); }

Diagnostics ModuleCache::diagnostics() const {
    std::vector<ModuleInfo> problems;
    for (std::uint32_t id = 1; id <= module_count(); ++id) {
        ModuleInfo each = info({id});
        if (is_problem(each.state)) problems.push_back(std::move(each));
    }
    // By path, so that the first one told does not depend on which thread met it first.
    std::sort(problems.begin(), problems.end(),
              [](const ModuleInfo& a, const ModuleInfo& b) { return a.path < b.path; });
    Diagnostics diagnostics;
    for (const ModuleInfo& each : problems) {
        diagnostics.add(problem_of(each.state), 0,
                        each.fault.empty() ? each.path : each.path + ": " + each.fault);
    }
    if (impl_->jit) diagnostics.merge(impl_->jit->diagnostics());
    return diagnostics;
}

std::string_view module_state_key(ModuleState state) {
    switch (state) {
        case ModuleState::loaded:
            return "loaded";
        case ModuleState::missing:
            return "missing";
        case ModuleState::mismatch:
            return "mismatch";
        case ModuleState::not_regular:
            return "not_regular";
        case ModuleState::unreadable:
            return "unreadable";
        case ModuleState::foreign:
            return "foreign";
        case ModuleState::anonymous:
            return "anonymous";
        case ModuleState::generated:
            return "generated";
        case ModuleState::kernel:
            return "kernel";
    }
    return "unknown";
}

}  // namespace fgread
