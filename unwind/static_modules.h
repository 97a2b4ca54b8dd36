// StaticModules: a ModuleProvider for callers that have the section bytes themselves: an embedded
// image, a core file, the running process, a test.
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "perfdata/address_space.h"
#include "unwind/module_provider.h"
#include "unwind/unwind_table.h"

namespace fgread {

// Views the bytes it is given: they must outlive it. Add everything first; then resolve() and
// read_word() may be called from several threads.
class StaticModules final : public ModuleProvider {
public:
    // A module by its unwind sections. Ids are dense from 1.
    ModuleId add(const UnwindSections& sections);

    // Where a process of this program starts (ELF e_entry): a stack that gets there is complete,
    // with or without call-frame information. Before the module is mapped.
    void set_entry(ModuleId module, Svma entry);

    // Functions of the module, which are analysed where they have no rules, if add_memory() gave
    // their code; and where stacks end. Before the module is mapped.
    void add_function(ModuleId module, FunctionRange function);
    void add_bottom(ModuleId module, StackBottom bottom);

    // Bytes of the module's image that rules may read (.rodata). Not needed by usual code.
    void add_memory(ModuleId module, Svma address, ByteView bytes);

    // Says that `module` was mapped executable at [start, end) of `space` from `when` on.
    // `bias` is avma - svma. Calls for one space must come in rising order of `when`.
    MappingId map(AddressSpace& space, EventTime when, ModuleId module, Avma start, Avma end,
                  std::uint64_t bias);

    CodeMapping resolve(MappingId mapping) override;
    std::optional<std::uint64_t> read_word(ModuleId module, Svma svma) override;
    std::optional<FunctionRange> function_at(ModuleId module, Svma pc) override;

private:
    struct Memory {
        std::uint64_t address;
        ByteView bytes;
    };
    struct Module {
        explicit Module(const UnwindSections& sections)
            : table(sections), endian(sections.endian) {}
        UnwindTable table;
        Endian endian;
        std::optional<Svma> entry;
        std::vector<Memory> memory;
        std::vector<FunctionRange> functions;
        std::vector<StackBottom> bottoms;
    };

    std::deque<Module> modules_;         // id - 1; tables must not move
    std::vector<CodeMapping> mappings_;  // MappingId - 1
};

}  // namespace fgread
