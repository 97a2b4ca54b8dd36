#include <doctest/doctest.h>

#include "symbols/build_id_path.h"
#include "symbols/debug_file.h"
#include "tests/symbols/elf_builder.h"
#include "tests/symbols/temporary_directory.h"

using namespace fgread;
using namespace fgread::test;

namespace {

const Bytes id_a = bytes_of("aaaaaaaaaaaaaaaaaaaa");
const Bytes id_b = bytes_of("bbbbbbbbbbbbbbbbbbbb");

Bytes elf_with(const Bytes& build_id, const std::string& link = {}, std::uint32_t crc = 0) {
    ElfBuilder elf;
    elf.add_text(0x1000, 0x100);
    if (!build_id.empty()) elf.add_build_id(build_id);
    if (!link.empty()) {
        Bytes content = bytes_of(link);
        content.resize((content.size() + 4) & ~std::size_t{3});
        put_u32(content, crc);
        elf.add({.name = ".gnu_debuglink", .content = std::move(content)});
    }
    return elf.bytes();
}

// A machine of its own: the debug directory and the cache lie in a temporary directory.
struct Machine {
    TemporaryDirectory root;
    DebugDirectories directories{root.path("debug"), root.path("cache"), {}};

    std::string find(const Bytes& binary, const std::string& path = "/usr/bin/prog") const {
        const auto image = ElfImage::read(binary);
        REQUIRE(image);
        const auto found = find_debug_file(*image, path, false, directories);
        return found ? found->path.substr(root.path().size()) : "none";
    }
};

const std::string rest_of_a =
    build_id_debug_path({}, BuildId{std::vector<std::uint8_t>(20, 'a')}).substr(14, 38);

}  // namespace

TEST_CASE("CRC-32 is that of the check value") {
    const Bytes check = bytes_of("123456789");
    CHECK(crc32(0, check) == 0xcbf43926);
    CHECK(crc32(crc32(0, ByteView(check).first(4)), ByteView(check).subspan(4)) == 0xcbf43926);
}

TEST_CASE("paths by build-id hold nothing but digits of the recording") {
    const BuildId id{{0xab, 0x00, 0x2f, 0x2e}};
    CHECK(build_id_debug_path("/d", id) == "/d/.build-id/ab/002f2e.debug");
    CHECK(build_id_cache_path("/c", id, "elf") == "/c/.build-id/ab/002f2e/elf");
}

TEST_CASE("a debug file is found by build-id, and only if it is the binary's") {
    const Machine machine;
    const std::string system_path = "/debug/.build-id/61/" + rest_of_a + ".debug";
    CHECK(machine.find(elf_with(id_a)) == "none");
    machine.root.write(system_path, elf_with(id_b));
    CHECK(machine.find(elf_with(id_a)) == "none");
    machine.root.write("cache/.build-id/61/" + rest_of_a + "/debug", elf_with(id_a));
    CHECK(machine.find(elf_with(id_a)) == "/cache/.build-id/61/" + rest_of_a + "/debug");
    machine.root.write(system_path, elf_with(id_a));
    CHECK(machine.find(elf_with(id_a)) == system_path);
    machine.root.write(system_path, bytes_of("not ELF"));
    CHECK(machine.find(elf_with(id_a)) == "/cache/.build-id/61/" + rest_of_a + "/debug");
}

TEST_CASE("a debuglink is followed beside the binary, in .debug, and in the debug directory") {
    const Machine machine;
    const std::string directory = machine.root.path("bin");
    const Bytes debug = elf_with({});
    const Bytes binary = elf_with({}, "prog.debug", crc32(0, debug));
    const std::string path = machine.root.write("bin/prog", binary);
    CHECK(machine.find(binary, path) == "none");
    SUBCASE("beside") {
        machine.root.write("bin/prog.debug", debug);
        CHECK(machine.find(binary, path) == "/bin/prog.debug");
    }
    SUBCASE(".debug") {
        machine.root.write("bin/.debug/prog.debug", debug);
        CHECK(machine.find(binary, path) == "/bin/.debug/prog.debug");
    }
    SUBCASE("debug directory") {
        machine.root.write("debug" + directory + "/prog.debug", debug);
        CHECK(machine.find(binary, path) == "/debug" + directory + "/prog.debug");
    }
}

TEST_CASE("a debuglink needs the right CRC, or equal build-ids") {
    const Machine machine;
    const Bytes plain = elf_with({});
    machine.root.write("bin/prog.debug", plain);
    const std::string path = machine.root.path("bin/prog");
    CHECK(machine.find(elf_with({}, "prog.debug", 1), path) == "none");
    CHECK(machine.find(elf_with(id_a, "prog.debug", 1), path) == "none");
    machine.root.write("bin/prog.debug", elf_with(id_a));
    CHECK(machine.find(elf_with(id_a, "prog.debug", 1), path) == "/bin/prog.debug");
    machine.root.write("bin/prog.debug", elf_with(id_b));
    CHECK(machine.find(elf_with(id_a, "prog.debug", crc32(0, elf_with(id_b))), path) == "none");
}

TEST_CASE("a debuglink names a file, not a path") {
    const Machine machine;
    const Bytes debug = elf_with({});
    machine.root.write("elsewhere/prog.debug", debug);
    machine.root.write("bin/prog", debug);
    const std::string path = machine.root.path("bin/prog");
    for (const char* link : {"../elsewhere/prog.debug", "..", ".", "/etc/passwd"}) {
        CAPTURE(link);
        CHECK(machine.find(elf_with({}, link, crc32(0, debug)), path) == "none");
    }
}

TEST_CASE("a debuglink that leads back to the binary is not its debug file") {
    const Machine machine;
    ElfBuilder elf;
    elf.add_text(0x1000, 0x100);
    elf.add_build_id(id_a);
    Bytes link = bytes_of("prog");
    link.resize(8);
    put_u32(link, 0);
    elf.add({.name = ".gnu_debuglink", .content = link});
    const std::string path = machine.root.write("bin/prog", elf.bytes());
    OpenFailure failure{};
    const auto image = ElfImage::read(*RegularFile::open(path, {}, failure));
    CHECK_FALSE(find_debug_file(*image, path, false, machine.directories));
}
