#include <doctest/doctest.h>

#include "symbols/kernel_files.h"
#include "symbols/placed_module.h"
#include "tests/symbols/elf_builder.h"
#include "tests/symbols/temporary_directory.h"

using namespace fgread;
using namespace fgread::test;

namespace {

const Bytes id_a = bytes_of("aaaaaaaaaaaaaaaaaaaa");
const BuildId build_id_a{std::vector<std::uint8_t>(20, 'a')};
const BuildId build_id_b{std::vector<std::uint8_t>(20, 'b')};
constexpr std::uint64_t linked_at = 0xffffffff81000000;
constexpr std::uint64_t slide = 0x1c000000;

Bytes vmlinux(const std::string& anchor = "_text") {
    ElfBuilder elf;
    elf.add_text(linked_at, 0x100);
    elf.add_symbols({{.name = "x" + anchor, .value = 1}, {.name = anchor, .value = linked_at}});
    elf.add_build_id(id_a);
    return elf.bytes();
}

Bytes ko() {
    ElfBuilder elf;
    elf.type = 1;  // ET_REL
    elf.add({.name = ".text", .flags = 6, .content = Bytes(0x40)});
    elf.add_symbols({{.name = "f", .value = 0x10, .size = 0x10}});
    elf.add_build_id(id_a);
    return elf.bytes();
}

Image kernel(const BuildId& id) {
    Image image;
    image.path = "[kernel.kallsyms]_text";
    image.mode = CpuMode::kernel;
    image.build_id = id;
    return image;
}

Image module(const std::string& path, const BuildId& id) {
    Image image = kernel(id);
    image.path = path;
    return image;
}

struct World {
    TemporaryDirectory directory;
    ModuleSources sources;

    World() {
        sources.symfs = directory.path();
        sources.os_release = "6.1.0-test";
        sources.build_id_cache = directory.path("cache");
    }
    KernelFile vmlinux_for(const BuildId& id) const {
        return find_vmlinux(kernel(id), "_text", linked_at + slide, sources);
    }
    KernelFile module_for(const std::string& path, const BuildId& id, bool local = false) const {
        return find_kernel_module(module(path, id), {0xffffffffc0000000}, local, sources);
    }
};

}  // namespace

TEST_CASE("a module has one name, however its file is called") {
    CHECK(kernel_module_name("/lib/modules/6.1.0/kernel/fs/nls-utf8.ko.xz") == "nls_utf8");
    CHECK(kernel_module_name("kernel/fs/nls-utf8.ko") == "nls_utf8");
    CHECK(kernel_module_name("nls_utf8.ko.zst") == "nls_utf8");
    CHECK(kernel_module_name("[nls_utf8]") == "nls_utf8");
    CHECK(kernel_module_name("snd.kode.ko.gz") == "snd.kode");
    CHECK(kernel_module_name("") == "");
    CHECK(kernel_module_name("[]") == "[]");
}

TEST_CASE("vmlinux is found by the release, and its place by the recorded _text") {
    World world;
    for (const char* path :
         {"usr/lib/debug/boot/vmlinux-6.1.0-test", "usr/lib/debug/lib/modules/6.1.0-test/vmlinux",
          "boot/vmlinux-6.1.0-test"}) {
        CAPTURE(path);
        CHECK(world.vmlinux_for(build_id_a).state == ModuleState::missing);
        const std::string file = world.directory.write(path, vmlinux());
        const KernelFile found = world.vmlinux_for(build_id_a);
        CHECK(found.state == ModuleState::loaded);
        CHECK(found.bias == slide);
        CHECK(found.path == file);
        CHECK(world.vmlinux_for(build_id_b).state == ModuleState::missing);
        CHECK(world.vmlinux_for({}).state == ModuleState::missing);
        std::filesystem::remove(file);
    }
    world.directory.write("cache/.build-id/61/" + build_id_a.hex().substr(2) + "/elf", vmlinux());
    CHECK(world.vmlinux_for(build_id_a).state == ModuleState::loaded);
}

TEST_CASE("--vmlinux must have the recorded build-id, if there is one") {
    World world;
    world.sources.vmlinux = world.directory.write("given", vmlinux());
    CHECK(world.vmlinux_for(build_id_a).state == ModuleState::loaded);
    CHECK(world.vmlinux_for({}).state == ModuleState::loaded);
    const KernelFile other = world.vmlinux_for(build_id_b);
    CHECK(other.state == ModuleState::mismatch);
    CHECK(other.build_id == build_id_a);
    CHECK_FALSE(other.image);
    world.sources.vmlinux = world.directory.write("no-anchor", vmlinux("_stext"));
    const KernelFile no_anchor = world.vmlinux_for(build_id_a);
    CHECK(no_anchor.state == ModuleState::unreadable);
    CHECK(no_anchor.fault == "an ELF file without the symbol _text, which the kernel's has");
    world.sources.vmlinux = world.directory.write("text", std::string("not ELF"));
    const KernelFile text = world.vmlinux_for(build_id_a);
    CHECK(text.state == ModuleState::unreadable);
    CHECK(text.fault == "not an ELF file");
    world.sources.vmlinux = world.directory.path("absent");
    CHECK(world.vmlinux_for(build_id_a).state == ModuleState::missing);
}

TEST_CASE("a release that is a path leads nowhere") {
    World world;
    world.directory.write("boot/vmlinux-x/y", vmlinux());
    world.sources.os_release = "x/y";
    CHECK(world.vmlinux_for(build_id_a).state == ModuleState::missing);
    world.sources.os_release = "..";
    CHECK(world.vmlinux_for(build_id_a).state == ModuleState::missing);
}

TEST_CASE("a module's file must have the recorded build-id") {
    World world;
    const std::string path = "/lib/modules/6.1.0-test/kernel/a-b.ko";
    world.directory.write(path.substr(1), ko());
    const KernelFile found = world.module_for(path, build_id_a);
    CHECK(found.state == ModuleState::loaded);
    CHECK(found.bias == 0xffffffffc0000000 - placed_module_base);
    const KernelFile other = world.module_for(path, build_id_b);
    CHECK(other.state == ModuleState::mismatch);
    CHECK(other.build_id == build_id_a);
    // By symfs the user answers for the file.
    CHECK(world.module_for(path, {}).state == ModuleState::loaded);
    world.directory.write(path.substr(1), std::string("no module"));
    CHECK(world.module_for(path, build_id_a).state == ModuleState::unreadable);
}

TEST_CASE("a module that is recorded by its name alone is looked up in the list of modules") {
    World world;
    world.directory.write("lib/modules/6.1.0-test/kernel/a-b.ko", ko());
    CHECK(world.module_for("[a_b]", build_id_a).state == ModuleState::missing);
    world.directory.write("lib/modules/6.1.0-test/modules.dep",
                          std::string("kernel/c.ko.xz: kernel/a-b.ko\n:\n\nkernel/a-b.ko:\n"));
    CHECK(world.module_for("[a_b]", build_id_a).state == ModuleState::loaded);
    CHECK(world.module_for("[a]", build_id_a).state == ModuleState::missing);
    CHECK(world.module_for("[c]", build_id_a).state == ModuleState::missing);
}

TEST_CASE("without build-id, a foreign recording opens no module of this machine") {
    World world;
    const std::string path = world.directory.write("lib/modules/6.1.0-test/x.ko", ko());
    world.sources.symfs.clear();
    CHECK(world.module_for(path, {}, false).state == ModuleState::foreign);
    CHECK(world.module_for(path, {}, true).state == ModuleState::loaded);
    world.sources.recorded_at_ns = 1;
    CHECK(world.module_for(path, {}, true).state == ModuleState::mismatch);
}

TEST_CASE("a separate file with debug information is taken in place of the module's own") {
    World world;
    const std::string path = "/lib/modules/6.1.0-test/kernel/a.ko";
    world.directory.write(path.substr(1), ko());
    const std::string debug =
        world.directory.write("usr/lib/debug/lib/modules/6.1.0-test/kernel/a.ko", ko());
    CHECK(world.module_for(path, build_id_a).path == debug);
    world.directory.write("usr/lib/debug/lib/modules/6.1.0-test/kernel/a.ko", std::string("x"));
    CHECK(world.module_for(path, build_id_a).path == world.directory.path(path.substr(1)));
}
