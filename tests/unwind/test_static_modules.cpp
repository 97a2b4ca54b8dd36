#include <doctest/doctest.h>

#include "support/cfi_builder.h"
#include "unwind/static_modules.h"

using namespace fgread;
using fgread::test::CfiBuilder;
using fgread::test::CfiBytes;

TEST_CASE("a mapping leads to its module's table and bias") {
    CfiBuilder builder = CfiBuilder::eh_frame(0x8000);
    builder.fde(builder.cie(), 0x1000, 0x100);
    StaticModules modules;
    AddressSpace space;
    const ModuleId module = modules.add(builder.sections());
    const MappingId mapping =
        modules.map(space, {}, module, Avma{0x401000}, Avma{0x402000}, 0x400000);
    CHECK(space.find(Avma{0x401234}, {5, 0}) == mapping);
    const CodeMapping code = modules.resolve(mapping);
    CHECK(code.module == module);
    CHECK(code.bias == 0x400000);
    REQUIRE(code.table);
    CHECK(code.table->find(Svma{0x1010}));
}

TEST_CASE("unknown mappings and modules have nothing") {
    StaticModules modules;
    CHECK_FALSE(modules.resolve(MappingId{}).table);
    CHECK_FALSE(modules.resolve(MappingId{7}).table);
    CHECK_FALSE(modules.read_word(ModuleId{}, Svma{0}));
    CHECK_FALSE(modules.read_word(ModuleId{1}, Svma{0}));
    modules.add_memory(ModuleId{3}, Svma{0}, {});
}

TEST_CASE("memory is read only where all eight bytes are") {
    StaticModules modules;
    const ModuleId module = modules.add({});
    const CfiBytes bytes = CfiBytes().u64(1).u64(2);
    modules.add_memory(module, Svma{0x2000}, bytes.view());
    CHECK(modules.read_word(module, Svma{0x2000}) == 1);
    CHECK(modules.read_word(module, Svma{0x2008}) == 2);
    CHECK_FALSE(modules.read_word(module, Svma{0x2009}));
    CHECK_FALSE(modules.read_word(module, Svma{0x1fff}));
}
