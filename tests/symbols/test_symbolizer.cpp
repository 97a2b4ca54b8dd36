#include <doctest/doctest.h>

#include "symbols/symbolizer.h"
#include "tests/symbols/elf_builder.h"
#include "tests/symbols/temporary_directory.h"

using namespace fgread;
using namespace fgread::test;

namespace {

// One program and a kernel, mapped.
struct World {
    explicit World(NameStyle names = NameStyle::plain, const std::string& kallsyms = "")
        : cache(table, sources(directory, kallsyms)), symbolizer(cache, {names, false}) {
        ElfBuilder elf;
        elf.add_text(0x1000, 0x1000);
        elf.add_symbols({{.name = "main", .value = 0x1000, .size = 0x10},
                         {.name = "_Z3fooi", .value = 0x1010, .size = 0x10},
                         {.name = "memcpy@@GLIBC_2.14", .value = 0x1020, .size = 0x10},
                         {.name = "_Z3bari.cold", .value = 0x1030, .size = 0x10}});
        Image program;
        program.path = directory.write("prog", elf.bytes());
        program_module = add(program, 0x7f0000000000, 0x1000);
        Image kernel;
        kernel.mode = CpuMode::kernel;
        kernel.path = "[kernel.kallsyms]_text";
        kernel_module = add(kernel, 0xffffffff82000000, 0xffffffff82000000);
        kernel.path = "/lib/modules/6.1.0/kernel/fs/ext4/ext4.ko";
        ext4_module = add(kernel, 0xffffffffc0000000, 0);
    }

    static ModuleSources sources(const TemporaryDirectory& where, const std::string& kallsyms) {
        ModuleSources result;
        result.debug_directory.clear();
        result.build_id_cache = "/nonexistent";
        if (!kallsyms.empty()) result.kallsyms = where.write("kallsyms", kallsyms);
        return result;
    }

    ModuleId add(const Image& image, std::uint64_t start, std::uint64_t file_offset) {
        Mapping mapping;
        mapping.start = {start};
        mapping.end = {start + 0x1000000};
        mapping.file_offset = file_offset;
        mapping.image = table.intern(image);
        return cache.resolve(table.intern(mapping)).module;
    }

    std::string name(ModuleId module, std::uint64_t offset, FrameKind kind = FrameKind::exact) {
        const InlineChain chain = symbolizer.symbolize({module, kind, offset});
        if (chain.functions.empty()) return std::string(chain.module_label);
        CHECK(chain.functions.size() == 1);
        CHECK_FALSE(chain.functions[0].inlined);
        return std::string(chain.functions[0].name);
    }

    TemporaryDirectory directory;
    MappingTable table;
    ModuleCache cache;
    Symbolizer symbolizer;
    ModuleId program_module, kernel_module, ext4_module;
};

const char* const listing =
    "ffffffff81000000 T _text\n"
    "ffffffff81000100 t do_work\n"
    "ffffffff81000200 T _ZN4rust2fn17h0123456789abcdefE\n"
    "ffffffffc0001000 t ext4_find\t[ext4]\n"
    "ffffffffc0002000 t xfs_find\t[xfs]\n";

}  // namespace

TEST_CASE("names are demangled and have no version") {
    World world;
    CHECK(world.name(world.program_module, 0x1008) == "main");
    CHECK(world.name(world.program_module, 0x1010) == "foo");
    CHECK(world.name(world.program_module, 0x1020) == "memcpy");
    CHECK(world.name(world.program_module, 0x1030) == "bar.cold");
    CHECK(world.name(world.program_module, 0x1010) == "foo");  // now from the cache
}

TEST_CASE("frames up to the end of a symbol have the same name, where nothing is inlined") {
    World world;
    const auto chain_at = [&](ModuleId module, std::uint64_t offset) {
        return world.symbolizer.symbolize({module, FrameKind::exact, offset});
    };
    CHECK(chain_at(world.program_module, 0x1008).same_until == 0x1010);
    CHECK(chain_at(world.program_module, 0x101f).same_until == 0x1020);
    // Without a symbol, each has to be asked for.
    CHECK(chain_at(world.program_module, 0x5000).same_until == 0);
    CHECK(chain_at(world.kernel_module, 0xffffffff82000100).same_until == 0);
}

TEST_CASE("raw names are those of the file, without a version") {
    World world(NameStyle::raw);
    CHECK(world.name(world.program_module, 0x1010) == "_Z3fooi");
    CHECK(world.name(world.program_module, 0x1020) == "memcpy");
}

TEST_CASE("a return address belongs to the call before it") {
    World world;
    CHECK(world.name(world.program_module, 0x1010, FrameKind::return_address) == "main");
    CHECK(world.name(world.program_module, 0x1011, FrameKind::return_address) == "foo");
}

TEST_CASE("an address without a symbol shows its module") {
    World world;
    CHECK(world.name(world.program_module, 0x1040) == "[prog]");
    CHECK(world.name(ModuleId{}, 0x1234) == "[unknown]");
    Image gone;
    gone.path = "/nonexistent/libgone.so.1";
    CHECK(world.name(world.add(gone, 0x7e0000000000, 0), 0x10) == "[libgone.so.1]");
    gone.path = "//anon";
    CHECK(world.name(world.add(gone, 0x7d0000000000, 0), 0x10) == "[anon]");
}

TEST_CASE("kernel names are moved to where the recording's kernel was") {
    World world(NameStyle::plain, listing);
    // Recorded with _text at 0xffffffff82000000, listed with _text at 0xffffffff81000000.
    CHECK(world.name(world.kernel_module, 0xffffffff82000100) == "do_work");
    CHECK(world.name(world.kernel_module, 0xffffffff82000080) == "_text");
    CHECK(world.symbolizer.symbolize({world.kernel_module, FrameKind::exact, 0}).kernel);
}

TEST_CASE("what only kallsyms names says nothing of what the kernel's file may name") {
    const TemporaryDirectory directory;
    constexpr std::uint64_t at = 0xffffffff81000000;
    ElfBuilder elf;
    elf.add_text(at, 0x1000);
    elf.add_symbols({{.name = "_text", .value = at, .size = 0x10},
                     {.name = "only_here", .value = at + 0x180, .size = 0x10}});
    ModuleSources sources = World::sources(directory, listing);
    sources.vmlinux = directory.write("vmlinux", elf.bytes());
    MappingTable table;
    ModuleCache cache(table, sources);
    Symbolizer symbolizer(cache, {NameStyle::plain, false});
    Image image;
    image.mode = CpuMode::kernel;
    image.path = "[kernel.kallsyms]_text";
    Mapping mapping;
    mapping.start = {at};
    mapping.end = {at + 0x1000000};
    mapping.file_offset = at;
    mapping.image = table.intern(image);
    const ModuleId module = cache.resolve(table.intern(mapping)).module;
    const auto chain_at = [&](std::uint64_t address) {
        return symbolizer.symbolize({module, FrameKind::exact, address});
    };
    CHECK(chain_at(at + 0x180).functions.at(0).name == "only_here");
    CHECK(chain_at(at + 0x100).functions.at(0).name == "do_work");
    CHECK(chain_at(at + 0x100).same_until == 0);
    CHECK(chain_at(at + 0x8).same_until == at + 0x10);
}

TEST_CASE("a kernel module's address has no name of another module") {
    World world(NameStyle::plain, listing);
    CHECK(world.name(world.ext4_module, 0xffffffffc0001004) == "ext4_find");
    CHECK(world.name(world.ext4_module, 0xffffffffc0002004) == "[ext4]");
}

TEST_CASE("a guest's kernel gets no names of its host") {
    World world(NameStyle::plain, listing);
    Image guest;
    guest.mode = CpuMode::guest_kernel;
    guest.path = "[guest.kernel.kallsyms]_text";
    const ModuleId module = world.add(guest, 0xffffffff81000000, 0xffffffff81000000);
    CHECK(world.name(module, 0xffffffff81000100) == "[guest.kernel]");
}

TEST_CASE("without a listing of the recorded kernel its frames are [kernel], counted") {
    World world;
    CHECK(world.symbolizer.diagnostics()[Problem::kernel_unknown].count == 0);
    CHECK(world.name(world.kernel_module, 0xffffffff82000100) == "[kernel]");
    CHECK(world.symbolizer.diagnostics()[Problem::kernel_unknown].count == 1);
}

TEST_CASE("a listing of zeros is told as such") {
    World world(NameStyle::plain, "0000000000000000 T _text\n0000000000000000 t do_work\n");
    CHECK(world.name(world.kernel_module, 0xffffffff82000100) == "[kernel]");
    CHECK(world.symbolizer.diagnostics()[Problem::kallsyms_restricted].count == 1);
}

TEST_CASE("names over the bounds stay mangled and are counted") {
    World world;
    ElfBuilder elf;
    elf.add_text(0x1000, 0x1000);
    const std::string bomb = "_Z9000" + std::string(9000, 'x') + "v";
    elf.add_symbols({{.name = bomb, .value = 0x1000, .size = 0x10}});
    Image image;
    image.path = world.directory.write("bomb", elf.bytes());
    CHECK(world.name(world.add(image, 0x7c0000000000, 0x1000), 0x1000) == bomb);
    CHECK(world.symbolizer.diagnostics()[Problem::name_too_long].count == 1);
}

TEST_CASE("a file that changed after it was opened gives no names") {
    World world;
    ElfBuilder elf;
    elf.add_text(0x1000, 0x1000);
    elf.add_symbols({{.name = "before", .value = 0x1000, .size = 0x10}});
    Image image;
    image.path = world.directory.write("changing", elf.bytes());
    const ModuleId module = world.add(image, 0x7c0000000000, 0x1000);
    elf.add({.name = "more", .content = Bytes(100)});
    world.directory.write("changing", elf.bytes());
    CHECK(world.name(module, 0x1000) == "[changing]");
}

TEST_CASE("debug information beyond its share is left out, where most frames are is kept first") {
    World world;
    const auto add = [&](const std::string& name, std::uint64_t start, std::size_t bytes) {
        ElfBuilder elf;
        elf.add_text(0x1000, 0x1000);
        elf.add({.name = ".debug_info", .content = Bytes(bytes)});
        Image image;
        image.path = world.directory.write(name, elf.bytes());
        return world.add(image, start, 0x1000);
    };
    const ModuleId often = add("often", 0x7f1000000000, 3000);
    const ModuleId large = add("large", 0x7f2000000000, 5000);
    const ModuleId seldom = add("seldom", 0x7f3000000000, 1000);
    const ModuleId fits = add("fits", 0x7f4000000000, 900);
    const auto frame = [](ModuleId module, std::uint64_t offset) {
        return Frame{module, FrameKind::exact, offset};
    };
    const std::vector<Frame> frames = {
        frame(seldom, 0x1000), frame(often, 0x1000), frame(often, 0x1001), frame(often, 0x1002),
        frame(large, 0x1000),  frame(large, 0x1001), frame(fits, 0x1000)};
    const auto left_out = [&](std::uint64_t limit) {
        SymbolizerOptions options;
        options.max_debug_info = limit;
        Symbolizer symbolizer(world.cache, options);
        symbolizer.expect(frames);
        return symbolizer.diagnostics()[Problem::debug_info_too_large];
    };
    CHECK(left_out(0).count == 0);
    CHECK(left_out(100'000).count == 0);
    // 3000 fit, 5000 do not, 900 fit, 1000 do not any more.
    const ProblemEntry entry = left_out(4000);
    CHECK(entry.count == 2);
    CHECK(entry.first_detail == world.directory.path("large") + ": 0 MB");
}
