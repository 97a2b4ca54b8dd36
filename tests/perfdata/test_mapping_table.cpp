#include <doctest/doctest.h>

#include "perfdata/address_space.h"

using namespace fgread;

namespace {

Image image(const char* path, CpuMode mode = CpuMode::user) {
    Image result;
    result.path = path;
    result.mode = mode;
    return result;
}

const BuildId id_a{{0xaa, 0x01}};
const BuildId id_b{{0xbb}};

}  // namespace

TEST_CASE("a build-id is written in lower-case hex") {
    CHECK(BuildId{{0x00, 0xAB, 0x5f}}.hex() == "00ab5f");
    CHECK(BuildId{}.hex().empty());
}

TEST_CASE("equal images and mappings share a number") {
    MappingTable table;
    const ImageId a = table.intern(image("/a"));
    const ImageId b = table.intern(image("/b"));
    CHECK(a != b);
    CHECK(table.intern(image("/a")) == a);
    CHECK(table.image_count() == 2);
    CHECK(table.image(b).path == "/b");

    const Mapping mapping{Avma{0x1000}, Avma{0x2000}, 0x40, a};
    const MappingId first = table.intern(mapping);
    CHECK(first.value == 1);  // 0 is "no mapping"
    CHECK(table.intern(mapping) == first);
    Mapping other = mapping;
    other.file_offset = 0;
    CHECK(table.intern(other) != first);
    CHECK(table.mapping_count() == 2);
    CHECK(table.mapping(first).file_offset == 0x40);
}

TEST_CASE("a file that was replaced is another image") {
    MappingTable table;
    Image before = image("/bin/x");
    before.has_inode = true;
    before.inode = 1;
    Image after = before;
    after.inode = 2;
    CHECK(table.intern(before) != table.intern(after));
}

TEST_CASE("numbers survive many entries") {
    MappingTable table;
    const ImageId id = table.intern(image("/a"));
    for (std::uint64_t i = 0; i < 10'000; ++i) {
        const MappingId number = table.intern(Mapping{Avma{i}, Avma{i + 1}, 0, id});
        REQUIRE(number.value == i + 1);
    }
    CHECK(table.mapping(MappingId{5'001}).start.value == 5'000);
    CHECK(table.intern(Mapping{Avma{77}, Avma{78}, 0, id}).value == 78);
}

TEST_CASE("the build-id table fills in what records left out, before or after") {
    MappingTable table;
    const ImageId early = table.intern(image("/early"));
    table.set_build_id("/early", id_a, CpuMode::user);
    table.set_build_id("/late", id_b, CpuMode::user);
    const ImageId late = table.intern(image("/late"));
    CHECK(table.image(early).build_id == id_a);
    CHECK(table.image(late).build_id == id_b);
    CHECK(table.intern(image("/early")) == early);
    CHECK(table.intern(image("/late")) == late);
    CHECK(table.image_count() == 2);
}

TEST_CASE("an image's own build-id is never replaced, and the table's first entry wins") {
    MappingTable table;
    table.set_build_id("/x", id_b, CpuMode::user);
    table.set_build_id("/x", id_a, CpuMode::user);
    Image own = image("/x");
    own.build_id = id_a;
    CHECK(table.image(table.intern(own)).build_id == id_a);
    CHECK(table.image(table.intern(image("/x"))).build_id == id_b);
}

TEST_CASE("the kernel goes by several names in the table") {
    for (const char* name :
         {"[kernel.kallsyms]", "/boot/vmlinux-6.1.0", "[kernel.kallsyms]_text"}) {
        MappingTable table;
        table.set_build_id(name, id_a, CpuMode::kernel);
        const ImageId text = table.intern(image("[kernel.kallsyms]_stext", CpuMode::kernel));
        CHECK(table.image(text).build_id == id_a);
        const ImageId module = table.intern(image("[ext4]", CpuMode::kernel));
        CHECK(table.image(module).build_id.empty());
    }
}

TEST_CASE("a user's file and a kernel's of one path are not the same") {
    MappingTable table;
    table.set_build_id("/x", id_a, CpuMode::kernel);
    CHECK(table.image(table.intern(image("/x"))).build_id.empty());
}
