#include "unwind/static_modules.h"

namespace fgread {

ModuleId StaticModules::add(const UnwindSections& sections) {
    modules_.emplace_back(sections);
    return {static_cast<std::uint32_t>(modules_.size())};
}

void StaticModules::set_entry(ModuleId module, Svma entry) {
    if (module.value == 0 || module.value > modules_.size()) return;
    modules_[module.value - 1].entry = entry;
}

void StaticModules::add_memory(ModuleId module, Svma address, ByteView bytes) {
    if (module.value == 0 || module.value > modules_.size()) return;
    modules_[module.value - 1].memory.push_back({address.value, bytes});
}

void StaticModules::add_function(ModuleId module, FunctionRange function) {
    if (module.value == 0 || module.value > modules_.size()) return;
    modules_[module.value - 1].functions.push_back(function);
}

void StaticModules::add_bottom(ModuleId module, StackBottom bottom) {
    if (module.value == 0 || module.value > modules_.size()) return;
    modules_[module.value - 1].bottoms.push_back(bottom);
}

MappingId StaticModules::map(AddressSpace& space, EventTime when, ModuleId module, Avma start,
                             Avma end, std::uint64_t bias) {
    CodeMapping mapping;
    mapping.module = module;
    mapping.bias = bias;
    if (module.value > 0 && module.value <= modules_.size()) {
        mapping.table = &modules_[module.value - 1].table;
        mapping.entry = modules_[module.value - 1].entry;
        mapping.bottoms = modules_[module.value - 1].bottoms;
    }
    mappings_.push_back(mapping);
    const MappingId id{static_cast<std::uint32_t>(mappings_.size())};
    space.map(when, start, end, id);
    return id;
}

CodeMapping StaticModules::resolve(MappingId mapping) {
    if (!mapping || mapping.value > mappings_.size()) return {};
    return mappings_[mapping.value - 1];
}

std::optional<std::uint64_t> StaticModules::read_word(ModuleId module, Svma svma) {
    if (module.value == 0 || module.value > modules_.size()) return std::nullopt;
    const Module& found = modules_[module.value - 1];
    for (const Memory& memory : found.memory) {
        const auto word = checked_subview(memory.bytes, svma.value - memory.address, 8);
        if (word) return load_unchecked<std::uint64_t>(word->data(), found.endian);
    }
    return std::nullopt;
}

std::optional<FunctionRange> StaticModules::function_at(ModuleId module, Svma pc) {
    if (module.value == 0 || module.value > modules_.size()) return std::nullopt;
    for (const FunctionRange& function : modules_[module.value - 1].functions) {
        if (pc >= function.start && pc < function.end) return function;
    }
    return std::nullopt;
}

}  // namespace fgread
