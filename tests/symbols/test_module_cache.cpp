#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "perfdata/mapped_file.h"
#include "symbols/elf_image.h"
#include "symbols/module_cache.h"
#include "symbols/vdso.h"
#include "tests/symbols/elf_builder.h"
#include "tests/symbols/temporary_directory.h"

using namespace fgread;
using namespace fgread::test;

namespace {

const Bytes id_a = bytes_of("aaaaaaaaaaaaaaaaaaaa");
const BuildId build_id_a{std::vector<std::uint8_t>(20, 'a')};
const BuildId build_id_b{std::vector<std::uint8_t>(20, 'b')};

Bytes binary(const Bytes& build_id = id_a) {
    ElfBuilder elf;
    elf.add_text(0x401000, 0x100);
    if (!build_id.empty()) elf.add_build_id(build_id);
    return elf.bytes();
}

ModuleSources quiet_sources() {
    ModuleSources sources;
    sources.debug_directory.clear();
    sources.build_id_cache = "/nonexistent";
    return sources;
}

// A cache over a table that the test fills.
struct World {
    explicit World(ModuleSources sources = quiet_sources()) : cache(table, std::move(sources)) {}

    MappingId map(const Image& image, std::uint64_t start = 0x7f0000000000,
                  std::uint64_t file_offset = 0x1000) {
        Mapping mapping;
        mapping.start = {start};
        mapping.end = {start + 0x1000};
        mapping.file_offset = file_offset;
        mapping.image = table.intern(image);
        return table.intern(mapping);
    }
    ModuleInfo look(const Image& image) { return cache.info(cache.resolve(map(image)).module); }
    ModuleState state(const Image& image) { return look(image).state; }

    MappingTable table;
    ModuleCache cache;
};

Image image_of(const std::string& path, const BuildId& id = {}) {
    Image image;
    image.path = path;
    image.build_id = id;
    return image;
}

std::uint64_t modified_ns(const std::string& path) {
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return static_cast<std::uint64_t>(status.st_mtim.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(status.st_mtim.tv_nsec);
}

}  // namespace

TEST_CASE("a file with the recorded build-id is loaded, another one is never used") {
    const TemporaryDirectory directory;
    const std::string path = directory.write("prog", binary());
    World world;
    const ModuleInfo info = world.look(image_of(path, build_id_a));
    CHECK(info.state == ModuleState::loaded);
    CHECK(info.short_name == "prog");
    CHECK(info.file == path);
    CHECK(info.file_build_id == build_id_a);
    const ModuleInfo other = world.look(image_of(path, build_id_b));
    CHECK(other.state == ModuleState::mismatch);
    CHECK(other.recorded_build_id == build_id_b);
    CHECK(other.file_build_id == build_id_a);
    const std::string plain = directory.write("plain", binary({}));
    CHECK(world.state(image_of(plain, build_id_a)) == ModuleState::mismatch);
}

TEST_CASE("bias is what lies between the mapping and the file's addresses") {
    const TemporaryDirectory directory;
    World world;
    const Image image = image_of(directory.write("prog", binary()), build_id_a);
    const CodeMapping mapping = world.cache.resolve(world.map(image));
    CHECK(0x7f0000000010 - mapping.bias == 0x401010);
    CHECK(mapping.table != nullptr);
}

TEST_CASE("addresses of a file that was not opened become file offsets") {
    World world;
    const CodeMapping mapping =
        world.cache.resolve(world.map(image_of("/nonexistent/lib.so"), 0x7f0000000000, 0x3000));
    CHECK(0x7f0000000010 - mapping.bias == 0x3010);
    CHECK(mapping.table == nullptr);
}

TEST_CASE("processes that mapped one file share its module and its unwind table") {
    const TemporaryDirectory directory;
    World world;
    const Image image = image_of(directory.write("prog", binary()), build_id_a);
    const CodeMapping first = world.cache.resolve(world.map(image, 0x7f0000000000));
    const CodeMapping second = world.cache.resolve(world.map(image, 0x7e0000000000));
    CHECK(first.module == second.module);
    CHECK(first.table == second.table);
    CHECK(first.bias != second.bias);

    // In a container the same file has another inode.
    Image contained = image;
    contained.has_inode = true;
    contained.inode = 99;
    CHECK(world.cache.resolve(world.map(contained)).module == first.module);
    CHECK(world.cache.module_count() == 1);

    // Under another path it is another module, as its unresolved frames show another name.
    const std::string link = directory.path("link");
    std::filesystem::create_symlink(image.path, link);
    const CodeMapping linked = world.cache.resolve(world.map(image_of(link, build_id_a)));
    CHECK(linked.module != first.module);
    CHECK(linked.table == first.table);
}

TEST_CASE("without a recorded build-id a local file must be as old as the recording") {
    const TemporaryDirectory directory;
    const std::string path = directory.write("prog", binary());
    ModuleSources sources = quiet_sources();
    SUBCASE("time unknown") { CHECK(World(sources).state(image_of(path)) == ModuleState::loaded); }
    SUBCASE("file older") {
        sources.recorded_at_ns = modified_ns(path) + 1;
        CHECK(World(sources).state(image_of(path)) == ModuleState::loaded);
    }
    SUBCASE("file newer") {
        sources.recorded_at_ns = modified_ns(path) - 1;
        CHECK(World(sources).state(image_of(path)) == ModuleState::mismatch);
        CHECK(World(sources).state(image_of(path, build_id_a)) == ModuleState::loaded);
    }
}

TEST_CASE("without a recorded build-id device and inode must agree where they are recorded") {
    const TemporaryDirectory directory;
    Image image = image_of(directory.write("prog", binary()));
    struct stat status {};
    REQUIRE(::stat(image.path.c_str(), &status) == 0);
    image.has_inode = true;
    image.inode = status.st_ino;
    image.device_major = major(status.st_dev);
    image.device_minor = minor(status.st_dev);
    World world;
    CHECK(world.state(image) == ModuleState::loaded);
    image.inode += 1;
    CHECK(world.state(image) == ModuleState::mismatch);
}

TEST_CASE("without a recorded build-id a foreign recording's files are not looked at") {
    const TemporaryDirectory directory;
    const std::string path = directory.write("prog", binary());
    utsname self{};
    ::uname(&self);
    ModuleSources sources = quiet_sources();
    sources.hostname = self.nodename;
    sources.os_release = self.release;
    sources.arch = self.machine;
    CHECK(World(sources).state(image_of(path)) == ModuleState::loaded);
    SUBCASE("host") { sources.hostname += "x"; }
    SUBCASE("kernel release") { sources.os_release = "3.14.15"; }
    SUBCASE("architecture") { sources.arch = "s390x"; }
    World foreign(sources);
    CHECK(foreign.state(image_of(path)) == ModuleState::foreign);
    CHECK(foreign.state(image_of(path, build_id_a)) == ModuleState::loaded);
    CHECK(foreign.state(image_of("[vdso]")) == ModuleState::foreign);
}

TEST_CASE("files under symfs come first, and need no build-id") {
    const TemporaryDirectory root;
    root.write("opt/prog", binary());
    ModuleSources sources = quiet_sources();
    sources.symfs = root.path();
    sources.hostname = "elsewhere";
    World world(sources);
    const ModuleInfo info = world.look(image_of("/opt/prog"));
    CHECK(info.state == ModuleState::loaded);
    CHECK(info.file == root.path("opt/prog"));
    CHECK(world.state(image_of("/opt/prog", build_id_b)) == ModuleState::mismatch);
    CHECK(world.state(image_of("/opt/../opt/prog")) == ModuleState::foreign);
    const CodeMapping mapping = world.cache.resolve(world.map(image_of("/opt/prog")));
    CHECK(mapping.table != nullptr);
}

TEST_CASE("perf's cache of binaries serves for files that are gone") {
    const TemporaryDirectory cache;
    ModuleSources sources = quiet_sources();
    sources.build_id_cache = cache.path();
    const std::string hex = build_id_a.hex();
    cache.write(".build-id/61/" + hex.substr(2) + "/elf", binary());
    World world(sources);
    CHECK(world.state(image_of("/nonexistent/prog", build_id_a)) == ModuleState::loaded);
    CHECK(world.state(image_of("/nonexistent/prog", build_id_b)) == ModuleState::missing);
    CHECK(world.state(image_of("/nonexistent/prog")) == ModuleState::missing);
}

TEST_CASE("a deleted file's place is looked at only with a build-id to compare") {
    const TemporaryDirectory directory;
    const std::string path = directory.write("prog", binary()) + " (deleted)";
    World world;
    CHECK(world.state(image_of(path, build_id_a)) == ModuleState::loaded);
    CHECK(world.state(image_of(path, build_id_b)) == ModuleState::mismatch);
    CHECK(world.state(image_of(path)) == ModuleState::mismatch);
    CHECK(world.look(image_of(path, build_id_a)).short_name == "prog");
}

TEST_CASE("what is no readable ELF file has a state that says so, and is counted") {
    const TemporaryDirectory directory;
    REQUIRE(::mkfifo(directory.path("fifo").c_str(), 0600) == 0);
    World world;
    CHECK(world.state(image_of(directory.path("fifo"))) == ModuleState::not_regular);
    CHECK(world.state(image_of("/dev/null")) == ModuleState::not_regular);
    CHECK(world.state(image_of(directory.path())) == ModuleState::not_regular);
    const ModuleInfo text = world.look(image_of(directory.write("text", std::string("hello"))));
    CHECK(text.state == ModuleState::unreadable);
    CHECK(text.fault == "not an ELF file");
    CHECK(world.state(image_of(directory.path("absent"))) == ModuleState::missing);
    CHECK(world.state(image_of("relative/path")) == ModuleState::missing);
    const Diagnostics problems = world.cache.diagnostics();
    CHECK(problems[Problem::module_not_regular].count == 3);
    CHECK(problems[Problem::module_not_regular].first_detail == "/dev/null");  // first by path
    CHECK(problems[Problem::module_unreadable].count == 1);
    CHECK(problems[Problem::module_unreadable].first_detail ==
          directory.path("text") + ": not an ELF file");
    CHECK(problems[Problem::module_missing].count == 2);
    CHECK_FALSE(problems.input_damaged());
}

TEST_CASE("memory without a file is anonymous, and no problem") {
    World world;
    for (const char* path :
         {"//anon", "[heap]", "[stack]", "[vsyscall]", "anon_inode:[perf_event]",
          "/memfd:jit (deleted)", "/dev/zero (deleted)", "/SYSV00000000 (deleted)",
          "/anon_hugepage (deleted)", "[anon:jit-cache]", ""}) {
        CAPTURE(path);
        const MappingId mapping = world.map(image_of(path));
        const CodeMapping code = world.cache.resolve(mapping);
        CHECK(world.cache.info(code.module).state == ModuleState::anonymous);
        CHECK(code.bias == 0);
        CHECK(code.table == nullptr);
    }
    CHECK(world.look(image_of("//anon")).short_name == "anon");
    CHECK(world.look(image_of("/memfd:jit (deleted)")).short_name == "memfd:jit");
    CHECK(world.cache.diagnostics()[Problem::module_missing].count == 0);
}

TEST_CASE("the kernel and its modules keep their addresses and have their names") {
    World world;
    const auto kernel_image = [](const std::string& path) {
        Image image = image_of(path);
        image.mode = CpuMode::kernel;
        return image;
    };
    const CodeMapping code = world.cache.resolve(world.map(kernel_image("[kernel.kallsyms]_text")));
    CHECK(code.bias == 0);
    CHECK(world.cache.info(code.module).state == ModuleState::kernel);
    CHECK(world.cache.info(code.module).short_name == "kernel");
    CHECK(world.look(kernel_image("[nls_utf8]")).short_name == "nls_utf8");
    CHECK(world.look(kernel_image("/lib/modules/6.1.0/kernel/fs/nls-utf8.ko.xz")).short_name ==
          "nls_utf8");
}

TEST_CASE("the vdso is this process's if the build-id says so, or if none was recorded") {
    const auto own = ElfImage::read(copy_own_vdso());
    REQUIRE(own);
    World world;
    CHECK(world.state(image_of("[vdso]", own->build_id())) == ModuleState::loaded);
    CHECK(world.state(image_of("[vdso]", build_id_b)) == ModuleState::missing);
    // Its recorded file offset means nothing.
    const CodeMapping code =
        world.cache.resolve(world.map(image_of("[vdso]"), 0x7ffff7fc1000, 0x7ffff7fc1000));
    CHECK(code.table != nullptr);
    CHECK(code.bias == 0x7ffff7fc1000);
    CHECK(code.vdso);
    CHECK(world.look(image_of("[vdso]")).short_name == "vdso");
    // Ours is not that of 32-bit tasks.
    CHECK(world.state(image_of("[vdso32]")) == ModuleState::missing);
}

TEST_CASE("the module of no mapping is unknown") {
    World world;
    CHECK(world.cache.resolve(MappingId{}).module == ModuleId{});
    CHECK(world.cache.info(ModuleId{}).short_name == "unknown");
    CHECK(world.cache.info(ModuleId{99}).short_name == "unknown");
}

TEST_CASE("words of read-only data are read from the file, others are not") {
    const TemporaryDirectory directory;
    ElfBuilder elf;
    elf.add_text(0x1000, 0x2000);
    Bytes& text = elf.sections[0].content;
    for (unsigned i = 0; i < 8; ++i) {
        text[0x10 + i] = std::byte(i + 1);
        text[0xffc + i] = std::byte(0x11);  // across a page of the file
    }
    elf.segments.push_back({1, 6, elf.offset_of(1), 0x9000, 0x100, 0x100});  // writable
    World world;
    const Image image = image_of(directory.write("prog", elf.bytes()));
    const ModuleId module = world.cache.resolve(world.map(image)).module;
    CHECK(world.cache.read_word(module, {0x1010}) == 0x0807060504030201);
    CHECK(world.cache.read_word(module, {0x1ffc}) == 0x1111111111111111);
    CHECK(world.cache.read_word(module, {0x2ff8}) == 0xcccccccccccccccc);
    CHECK_FALSE(world.cache.read_word(module, {0x2ff9}));
    CHECK_FALSE(world.cache.read_word(module, {0x9010}));
    CHECK_FALSE(world.cache.read_word(module, {0}));
    CHECK_FALSE(world.cache.read_word(module, {~std::uint64_t{0}}));
    CHECK_FALSE(world.cache.read_word(ModuleId{}, {0x1010}));
}

TEST_CASE("words of a large segment are read where it is mapped, up to its end and the file's") {
    MappedFile::catch_lost_pages();
    const TemporaryDirectory directory;
    constexpr std::uint64_t size = 0x20000;
    ElfBuilder elf;
    elf.add_text(0x1000, size);
    Bytes& text = elf.sections[0].content;
    for (std::uint64_t i = 0; i < 8; ++i) text[0x10 + i] = text[size - 8 + i] = std::byte(i + 1);
    const std::uint64_t offset = elf.offset_of(1);
    elf.section_headers = false;
    elf.segments.push_back({1, 5, offset + 8, 0x100000, 2 * size, 2 * size});
    elf.segments.push_back({1, 5, 0 - std::uint64_t{0x100}, 0x200000, size, size});
    World world;
    Bytes file = elf.bytes();
    file.resize(offset + size);
    const std::string path = directory.write("prog", file);
    const ModuleId module = world.cache.resolve(world.map(image_of(path))).module;
    CHECK(world.cache.read_word(module, {0x1010}) == 0x0807060504030201);
    CHECK(world.cache.read_word(module, {0x1000 + size - 8}) == 0x0807060504030201);
    CHECK_FALSE(world.cache.read_word(module, {0x1000 + size - 7}));
    CHECK(world.cache.read_word(module, {0x100008}) == 0x0807060504030201);
    CHECK(world.cache.read_word(module, {0x100000 + size - 16}) == 0x0807060504030201);
    for (std::uint64_t address = 0x100000 + size - 15; address < 0x100100 + size; ++address) {
        CHECK_FALSE(world.cache.read_word(module, {address}));
    }
    CHECK_FALSE(world.cache.read_word(module, {0x200000}));
    std::filesystem::resize_file(path, 0);  // what is mapped reads as zeros
    CHECK(world.cache.read_word(module, {0x5000}) == 0);
    CHECK(world.cache.read_word(module, {0x102000}) == 0);
    CHECK(MappedFile::was_any_lost());
}

TEST_CASE("threads that resolve at once get one module each file") {
    const TemporaryDirectory directory;
    World world;
    std::vector<MappingId> mappings;
    for (int i = 0; i < 20; ++i) {
        const std::string path = directory.write("lib" + std::to_string(i), binary());
        for (std::uint64_t process = 0; process < 5; ++process) {
            mappings.push_back(world.map(image_of(path), 0x7f0000000000 + process * 0x1000000));
        }
    }
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread) {
        threads.emplace_back([&] {
            for (const MappingId mapping : mappings) (void)world.cache.resolve(mapping);
        });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(world.cache.module_count() == 20);
}

TEST_CASE("every state has a key") {
    CHECK(module_state_key(ModuleState::loaded) == "loaded");
    CHECK(module_state_key(ModuleState::not_regular) == "not_regular");
    CHECK(module_state_key(ModuleState::kernel) == "kernel");
}
