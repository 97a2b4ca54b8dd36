#include "symbols/symbolizer.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <set>
#include <unordered_map>

#include <fmt/format.h>
#include <tsl/robin_map.h>

#include "perfdata/brief_lock.h"
#include "symbols/demangle.h"
#include "symbols/module_registry.h"
#include "symbols/short_name.h"
#include "symbols/text_arena.h"

namespace fgread {
namespace {

// Demangled names by symbol. Several tables, so that threads rarely meet at one lock.
class NameCache {
public:
    // The name for (`table`, `id`), made by `make` the first time. Lives as long as the cache.
    template <typename Make>
    std::string_view get(const void* table, std::uint32_t id, const Make& make) {
        const Key key{table, id};
        Shard& shard = shards_[KeyHash{}(key) >> shard_shift];
        {
            const auto lock = lock_briefly(shard.mutex);
            const auto known = shard.names.find(key);
            if (known != shard.names.end()) return known->second;
        }
        const std::string name = make();
        const auto lock = lock_briefly(shard.mutex);
        const auto [place, is_new] = shard.names.try_emplace(key);
        if (is_new) place.value() = shard.texts.keep(name);
        return place->second;
    }

private:
    struct Key {
        const void* table = nullptr;
        std::uint32_t id = 0;
        friend bool operator==(const Key&, const Key&) = default;
    };
    struct KeyHash {
        std::size_t operator()(const Key& key) const {
            const std::uint64_t table = std::hash<const void*>{}(key.table);
            const std::uint64_t both = table ^ std::uint64_t{key.id} << 32;
            return (both * 0x9e3779b97f4a7c15u) >> 32;
        }
    };
    struct Shard {
        std::mutex mutex;
        tsl::robin_map<Key, std::string_view, KeyHash> names;
        TextArena texts;
    };
    // By the upper four bits of 32: a table takes the lower ones.
    static constexpr unsigned shard_shift = 28;
    std::array<Shard, 16> shards_;
};

void add_debug_info_problems(const DwarfStats& stats, std::string_view path, Diagnostics& result) {
    for (std::uint64_t i = 0; i < stats.problems.malformed(); ++i) {
        result.add(Problem::debug_info_malformed, 0, path);
    }
    for (std::uint64_t i = 0; i < stats.problems.missing_split; ++i) {
        result.add(Problem::split_debug_missing, 0, stats.first_missing_split);
    }
}

// What symbolize() will be called for, by binary.
using ExpectedAddresses = std::unordered_map<Binary*, std::vector<std::uint64_t>>;

}  // namespace

struct Symbolizer::State {
    State(ModuleCache& cache, SymbolizerOptions symbolizer_options)
        : registry(cache.impl()), options(symbolizer_options) {}

    ModuleCache::Impl& registry;
    const SymbolizerOptions options;
    NameCache names;
    std::vector<const Module*> modules;  // by id; written by know_modules() only

    mutable std::mutex mutex;
    Diagnostics problems;

    void add(Problem problem, std::string_view detail) {
        const std::lock_guard lock(mutex);
        problems.add(problem, 0, detail);
    }

    std::string_view shown(const void* table, std::uint32_t id, std::string_view raw) {
        if (options.names == NameStyle::raw) return strip_version(raw);
        bool too_long = false;
        const std::string_view name =
            names.get(table, id, [&] { return demangle(raw, options.names, &too_long); });
        if (too_long) add(Problem::name_too_long, name.substr(0, max_shown_detail));
        return name;
    }

    // Takes note of the modules that there are, so that module_of() needs no lock.
    void know_modules() {
        const auto count = static_cast<std::uint32_t>(registry.count());
        for (auto id = static_cast<std::uint32_t>(modules.size()); id <= count; ++id) {
            modules.push_back(registry.find({id}));
        }
    }
    [[nodiscard]] const Module* module_of(const Frame& frame) const {
        const std::uint32_t id = frame.module.value;
        return id < modules.size() ? modules[id] : registry.find(frame.module);
    }

    std::string_view user_name(Binary& binary, Svma address, InlineChain& chain);
    std::string_view kernel_name(const Module& module, Avma address, InlineChain& chain);
    std::string_view dwarf_name(const InlineFrame& frame);
    void limit_debug_info(const ExpectedAddresses& addresses);
    void add_functions(Binary& binary, Svma address, InlineChain& chain);
    void add_mapped(const JitProcess& process, Avma address, InlineChain& chain);
    void add_dumped(const JitDump& dump, Svma address, InlineChain& chain);

    static constexpr std::size_t max_shown_detail = 100;
    // In NameCache, instead of the number of a symbol: names of DWARF, mangled or not.
    static constexpr std::uint32_t linkage_name = ~std::uint32_t{0};
    static constexpr std::uint32_t source_name = linkage_name - 1;
};

std::string_view Symbolizer::State::user_name(Binary& binary, Svma address, InlineChain& chain) {
    const auto found = binary.find_symbol(address);
    if (!found) return {};
    chain.symbol_offset = address.value - found->match.start.value;
    chain.same_until = found->match.until.value;
    return shown(found->table, found->match.name_id, found->match.name);
}

std::string_view Symbolizer::State::dwarf_name(const InlineFrame& frame) {
    // Names are interned by the index: their address tells them apart.
    if (frame.is_linkage) return shown(frame.name.data(), linkage_name, frame.name);
    if (options.names != NameStyle::shorter || frame.name.empty()) return frame.name;
    return names.get(frame.name.data(), source_name, [&] { return short_name(frame.name); });
}

// Depends on the frames and files alone, so that every run leaves out the same.
void Symbolizer::State::limit_debug_info(const ExpectedAddresses& addresses) {
    std::vector<std::pair<std::size_t, Binary*>> order;
    for (const auto& [binary, expected] : addresses) order.emplace_back(expected.size(), binary);
    std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
        return a.first != b.first ? a.first > b.first : a.second->path() < b.second->path();
    });
    std::uint64_t room = options.max_debug_info;
    for (const auto& [count, binary] : order) {
        const std::uint64_t bytes = binary->debug_info_bytes();
        if (bytes <= room) {
            room -= bytes;
            continue;
        }
        binary->leave_out_debug_info();
        add(Problem::debug_info_too_large,
            fmt::format("{}: {} MB", binary->path(), bytes / 1'000'000));
    }
}

// The functions at `address`, innermost first. What was inlined is named by DWARF; the physical
// function, the last, by its ELF symbol, as perf has it, and by DWARF only where there is none.
void Symbolizer::State::add_functions(Binary& binary, Svma address, InlineChain& chain) {
    std::string_view physical = user_name(binary, address, chain);
    std::vector<InlineFrame> frames;
    const bool wanted = options.inlines || options.lines;
    if (const DwarfIndex* dwarf = wanted ? binary.dwarf() : nullptr) {
        dwarf->chain(address, options.lines, frames);
        chain.same_until = 0;
    }
    if (options.inlines) {
        for (InlineFrame& frame : frames) {
            if (!frame.inlined) break;
            std::string_view name = dwarf_name(frame);
            if (name.empty()) name = "[inlined]";
            chain.functions.push_back(
                {name, true, std::move(frame.file), frame.line, frame.column});
        }
    }
    if (physical.empty() && !frames.empty()) physical = dwarf_name(frames.back());
    if (physical.empty() && !chain.functions.empty()) physical = chain.module_label;
    if (physical.empty()) return;
    SourceFrame function{physical, false, {}, 0, 0};
    if (!frames.empty()) {
        // Without inlined functions the place is still the innermost one.
        InlineFrame& place = options.inlines ? frames.back() : frames.front();
        function.file = std::move(place.file);
        function.line = place.line;
        function.column = place.column;
    }
    chain.functions.push_back(std::move(function));
}

// What a JIT wrote. Some write mangled names: LLVM's do, and those of JVMs.
void Symbolizer::State::add_mapped(const JitProcess& process, Avma address, InlineChain& chain) {
    const auto found = process.name_in_map(address);
    if (!found) return;
    chain.jit = true;
    chain.symbol_offset = address.value - found->match.start.value;
    chain.functions.push_back(
        {shown(found->map, found->match.name_id, found->match.name), false, {}, 0, 0});
}

void Symbolizer::State::add_dumped(const JitDump& dump, Svma address, InlineChain& chain) {
    const auto found = dump.function_at(address);
    if (!found) return;
    chain.jit = true;
    chain.symbol_offset = address.value - found->start.value;
    SourceFrame function{shown(&dump, found->name_id, found->name), false, {}, 0, 0};
    if (const auto line = options.lines ? dump.line_at(address) : std::nullopt) {
        function.file = line->file;
        function.line = line->line;
    }
    chain.functions.push_back(std::move(function));
}

// Not demangled, as in perf: the kernel is C, and its few Rust names stay as kallsyms has them.
std::string_view Symbolizer::State::kernel_name(const Module& module, Avma address,
                                                InlineChain& chain) {
    if (module.is_guest) return {};
    const bool in_module = module.info.short_name != "kernel";
    const KernelSymbols& symbols =
        in_module ? registry.kernel_symbols() : registry.kernel_image_symbols();
    std::uint64_t shift = 0;
    const std::optional<Avma> anchor = symbols.address_of(module.anchor);
    // Another boot of the same kernel: address space layout randomisation moved it.
    if (anchor && module.anchor_address != 0) shift = module.anchor_address - anchor->value;
    const Avma listed{address.value - shift};
    const auto found = symbols.find(listed);
    if (!found) return {};
    const bool of_module = !found->module.empty();
    if (of_module != in_module) return {};
    if (in_module && found->module != module.info.short_name) return {};
    chain.symbol_offset = listed.value - found->start.value;
    // A file of the kernel's may name addresses in between.
    if (!module.binary) chain.same_until = found->until.value + shift;
    return found->name;
}

Symbolizer::Symbolizer(ModuleCache& modules, SymbolizerOptions options)
    : state_(std::make_unique<State>(modules, options)) {}

Symbolizer::~Symbolizer() = default;

void Symbolizer::expect(std::span<const Frame> frames) {
    state_->know_modules();
    ExpectedAddresses addresses;
    // Frames come module by module.
    const Module* last = nullptr;
    std::vector<std::uint64_t>* of_last = nullptr;
    for (const Frame& frame : frames) {
        const Module* module = state_->module_of(frame);
        if (module == nullptr || !module->binary) continue;
        if (module != last) of_last = &addresses[module->binary.get()];
        last = module;
        of_last->push_back(frame.lookup_offset() - module->bias);
    }
    if (state_->options.max_debug_info != 0 && (state_->options.inlines || state_->options.lines)) {
        state_->limit_debug_info(addresses);
    }
    for (auto& [binary, expected] : addresses) binary->expect(std::move(expected));
}

InlineChain Symbolizer::symbolize(const Frame& frame) {
    InlineChain chain;
    symbolize(frame, chain);
    return chain;
}

void Symbolizer::symbolize(const Frame& frame, InlineChain& chain) {
    chain.functions.clear();
    chain.kernel = chain.jit = false;
    chain.symbol_offset = chain.same_until = 0;
    const Module* module = state_->module_of(frame);
    if (module == nullptr) {
        chain.module_label = "[unknown]";
        return;
    }
    if (module->is_kernel_copy) {
        if (const Module* kernel = state_->registry.kernel()) module = kernel;
    }
    chain.module_label = module->label;
    chain.kernel = module->kind == PathKind::kernel;
    const std::uint64_t address = frame.lookup_offset();
    if (module->binary) {
        state_->add_functions(*module->binary, Svma{address - module->bias}, chain);
        if (chain.same_until != 0) chain.same_until += module->bias;
    }
    if (module->jit_process != nullptr) {
        state_->add_mapped(*module->jit_process, Avma{address}, chain);
    }
    if (module->jitdump != nullptr) state_->add_dumped(*module->jitdump, Svma{address}, chain);
    if (!chain.kernel || !chain.functions.empty()) return;
    SourceFrame function;
    function.name = module->function.empty() ? state_->kernel_name(*module, Avma{address}, chain)
                                             : std::string_view(module->function);
    if (!function.name.empty()) chain.functions.push_back(std::move(function));
}

Diagnostics Symbolizer::diagnostics() const {
    Diagnostics result;
    {
        const std::lock_guard lock(state_->mutex);
        result = state_->problems;
    }
    ModuleCache::Impl& registry = state_->registry;
    std::set<const Binary*> seen;  // several paths may lead to one file
    for (std::uint32_t id = 1; id <= registry.count(); ++id) {
        const Module* module = registry.find({id});
        if (!module->binary || !seen.insert(module->binary.get()).second) continue;
        add_debug_info_problems(module->binary->dwarf_stats(), module->info.path, result);
        for (std::uint64_t i = 0; i < module->binary->malformed_symbols(); ++i) {
            result.add(Problem::symbol_malformed, 0, module->info.path);
        }
    }
    switch (registry.kernel_listing().names) {
        case KernelNames::loaded:
            break;
        case KernelNames::restricted:
            result.add(Problem::kallsyms_restricted);
            break;
        case KernelNames::mismatch:
        case KernelNames::unavailable:
            result.add(Problem::kallsyms_mismatch);
            break;
        case KernelNames::unknown:
            result.add(Problem::kernel_unknown);
            break;
    }
    return result;
}

}  // namespace fgread
