#include <doctest/doctest.h>

#include "symbols/unwind_sections.h"
#include "tests/symbols/elf_builder.h"

using namespace fgread;
using namespace fgread::test;

namespace {

constexpr std::uint32_t gnu_eh_frame = 0x6474e550;  // PT_GNU_EH_FRAME

// .eh_frame_hdr whose pointer, at 0x3004, is relative to itself (0x1b) and leads to 0x4000.
Bytes header() {
    Bytes bytes = bytes_of("\x01\x1b\x03\x3b");
    put_u32(bytes, 0x4000 - 0x3004);
    put_u32(bytes, 0);
    return bytes;
}

ElfBuilder with_frames() {
    ElfBuilder elf;
    elf.add_text(0x1000, 64);
    const std::uint16_t hdr =
        elf.add({.name = ".eh_frame_hdr", .flags = 2, .address = 0x3000, .content = header()});
    elf.segments.push_back({gnu_eh_frame, 4, elf.offset_of(hdr), 0x3000, 12, 12});
    const std::uint16_t frame = elf.add(
        {.name = ".eh_frame", .flags = 2, .address = 0x4000, .content = Bytes(40, std::byte{7})});
    elf.segments.push_back({1, 4, elf.offset_of(frame), 0x4000, 40, 40});
    return elf;
}

}  // namespace

TEST_CASE("unwind sections are found by name and program header") {
    ElfBuilder elf = with_frames();
    elf.add({.name = ".got.plt", .flags = 3, .address = 0x5000, .content = Bytes(8)});
    const auto image = ElfImage::read(elf.bytes());
    const UnwindBytes found = read_unwind_sections(*image, nullptr);
    CHECK_FALSE(found.empty());
    CHECK(found.sections.eh_frame.size() == 40);
    CHECK(found.sections.eh_frame_address.value == 0x4000);
    CHECK(found.sections.eh_frame_hdr.size() == 12);
    CHECK(found.sections.eh_frame_hdr_address.value == 0x3000);
    CHECK(found.sections.text_address.value == 0x1000);
    CHECK(found.sections.data_address.value == 0x5000);
    CHECK(found.sections.address_size == 8);
}

TEST_CASE("without section headers .eh_frame is where its header points, to its segment's end") {
    ElfBuilder elf = with_frames();
    elf.section_headers = false;
    const auto image = ElfImage::read(elf.bytes());
    const UnwindBytes found = read_unwind_sections(*image, nullptr);
    CHECK(found.sections.eh_frame.size() == 40);
    CHECK(found.sections.eh_frame_address.value == 0x4000);
}

TEST_CASE("a header that points nowhere gives no .eh_frame") {
    ElfBuilder elf = with_frames();
    elf.section_headers = false;
    Bytes& bytes = elf.sections[1].content;
    SUBCASE("outside all segments") { bytes[6] = std::byte{0x7f}; }
    SUBCASE("unknown version") { bytes[0] = std::byte{9}; }
    SUBCASE("omitted") { bytes[1] = std::byte{0xff}; }
    SUBCASE("unknown encoding") { bytes[1] = std::byte{0x6d}; }
    SUBCASE("cut") { elf.segments[1].file_size = 5; }
    const auto image = ElfImage::read(elf.bytes());
    CHECK(read_unwind_sections(*image, nullptr).empty());
}

TEST_CASE(".debug_frame is the binary's own, else the debug file's") {
    ElfBuilder debug;
    debug.add({.name = ".debug_frame", .content = Bytes(24)});
    const auto debug_image = ElfImage::read(debug.bytes());
    ElfBuilder elf;
    elf.add_text(0x1000, 64);
    const auto without = ElfImage::read(elf.bytes());
    CHECK(read_unwind_sections(*without, nullptr).empty());
    CHECK(read_unwind_sections(*without, &*debug_image).sections.debug_frame.size() == 24);
    elf.add({.name = ".debug_frame", .content = Bytes(16)});
    const auto with = ElfImage::read(elf.bytes());
    CHECK(read_unwind_sections(*with, &*debug_image).sections.debug_frame.size() == 16);
}

TEST_CASE("views stay valid when the owner moves") {
    const auto image = ElfImage::read(with_frames().bytes());
    UnwindBytes first = read_unwind_sections(*image, nullptr);
    const UnwindBytes second = std::move(first);
    CHECK(second.sections.eh_frame.data() == second.eh_frame.view().data());
}

TEST_CASE("Arm's index is found by its program header or its name, and only Arm's") {
    ElfBuilder elf;
    elf.add_text(0x1000, 64);
    const std::uint16_t index =
        elf.add({.name = ".ARM.exidx", .flags = 2, .address = 0x3000, .content = Bytes(16)});
    elf.add({.name = ".ARM.extab", .flags = 2, .address = 0x4000, .content = Bytes(8)});
    constexpr std::uint32_t arm_exidx = 0x70000001;  // PT_ARM_EXIDX
    SUBCASE("by its program header") {
        elf.segments.push_back({arm_exidx, 4, elf.offset_of(index), 0x3000, 16, 16});
        elf.sections[index - 1u].name = ".other";
    }
    SUBCASE("by its name") {}
    Bytes bytes = elf.bytes();
    const auto other = ElfImage::read(bytes);
    CHECK(read_unwind_sections(*other, nullptr).empty());
    constexpr std::size_t machine_at = 18;
    bytes[machine_at] = std::byte{40};  // EM_ARM
    const auto image = ElfImage::read(bytes);
    const UnwindBytes found = read_unwind_sections(*image, nullptr);
    CHECK_FALSE(found.empty());
    CHECK(found.sections.arm_exidx.size() == 16);
    CHECK(found.sections.arm_exidx_address.value == 0x3000);
    CHECK(found.sections.arm_extab.size() == 8);
    CHECK(found.sections.arm_extab_address.value == 0x4000);
}
