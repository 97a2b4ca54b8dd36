#include "tests/symbols/elf_builder.h"

namespace fgread::test {
namespace {

void put(Bytes& bytes, std::uint64_t value, unsigned size) {
    for (unsigned i = 0; i < size; ++i) bytes.push_back(std::byte(value >> (8 * i)));
}

std::uint64_t aligned(std::uint64_t offset) { return (offset + 15) & ~std::uint64_t{15}; }

}  // namespace

void put_u16(Bytes& bytes, std::uint16_t value) { put(bytes, value, 2); }
void put_u32(Bytes& bytes, std::uint32_t value) { put(bytes, value, 4); }
void put_u64(Bytes& bytes, std::uint64_t value) { put(bytes, value, 8); }
void put_text(Bytes& bytes, std::string_view text) {
    for (const char c : text) bytes.push_back(std::byte(c));
}

Bytes bytes_of(std::string_view text) {
    Bytes bytes;
    put_text(bytes, text);
    return bytes;
}

std::uint16_t ElfBuilder::add(SectionData section) {
    sections.push_back(std::move(section));
    return static_cast<std::uint16_t>(sections.size());
}

std::uint64_t ElfBuilder::offset_of(std::uint16_t number) const {
    std::uint64_t offset = data_offset;
    for (std::uint16_t i = 1; i < number; ++i) {
        offset = aligned(offset + sections[i - 1u].content.size());
    }
    return offset;
}

std::uint16_t ElfBuilder::add_text(std::uint64_t address, std::uint64_t size) {
    constexpr std::uint64_t alloc_execute = 6;
    constexpr std::uint32_t read_execute = 5;
    const std::uint16_t number = add({.name = ".text",
                                      .flags = alloc_execute,
                                      .address = address,
                                      .content = Bytes(size, std::byte{0xcc})});
    segments.push_back({1, read_execute, offset_of(number), address, size, size});
    return number;
}

void ElfBuilder::add_symbols(const std::vector<TestSymbol>& symbols, bool dynamic) {
    Bytes names(1), table(24);
    for (const TestSymbol& symbol : symbols) {
        put_u32(table, static_cast<std::uint32_t>(names.size()));
        table.push_back(std::byte(symbol.binding << 4 | symbol.type));
        table.push_back(std::byte(symbol.visibility));
        put_u16(table, symbol.section);
        put_u64(table, symbol.value);
        put_u64(table, symbol.size);
        put_text(names, symbol.name);
        names.push_back(std::byte{0});
    }
    const std::uint16_t strings =
        add({.name = dynamic ? ".dynstr" : ".strtab", .type = 3, .content = names});
    add({.name = dynamic ? ".dynsym" : ".symtab",
         .type = dynamic ? 11u : 2u,
         .content = table,
         .link = strings,
         .entry_size = 24});
}

void ElfBuilder::add_build_id(const Bytes& id) {
    Bytes note;
    put_u32(note, 4);
    put_u32(note, static_cast<std::uint32_t>(id.size()));
    put_u32(note, 3);  // NT_GNU_BUILD_ID
    put_text(note, std::string_view("GNU\0", 4));
    note.insert(note.end(), id.begin(), id.end());
    note.resize((note.size() + 3) & ~std::size_t{3});
    const std::uint64_t size = note.size();
    const std::uint16_t number =
        add({.name = ".note.gnu.build-id", .type = 7, .flags = 2, .content = std::move(note)});
    segments.push_back({4, 4, offset_of(number), 0, size, size});
}

Bytes ElfBuilder::bytes() const {
    Bytes names(1);
    std::vector<std::uint32_t> name_offsets;
    for (const SectionData& section : sections) {
        name_offsets.push_back(static_cast<std::uint32_t>(names.size()));
        put_text(names, section.name);
        names.push_back(std::byte{0});
    }
    const std::uint64_t names_offset = offset_of(static_cast<std::uint16_t>(sections.size() + 1));
    const std::uint64_t table_offset = aligned(names_offset + names.size());

    Bytes file = bytes_of(
        "\x7f"
        "ELF\x02\x01\x01");
    file.resize(16);
    put_u16(file, type);
    put_u16(file, 62);  // EM_X86_64
    put_u32(file, 1);
    put_u64(file, 0);
    put_u64(file, segments.empty() ? 0 : 64);
    put_u64(file, section_headers ? table_offset : 0);
    put_u32(file, 0);
    put_u16(file, 64);
    put_u16(file, 56);
    put_u16(file, static_cast<std::uint16_t>(segments.size()));
    put_u16(file, 64);
    put_u16(file, section_headers ? static_cast<std::uint16_t>(sections.size() + 2) : 0);
    put_u16(file, section_headers ? static_cast<std::uint16_t>(sections.size() + 1) : 0);
    for (const SegmentData& segment : segments) {
        put_u32(file, segment.type);
        put_u32(file, segment.flags);
        put_u64(file, segment.offset);
        put_u64(file, segment.address);
        put_u64(file, segment.address);
        put_u64(file, segment.file_size);
        put_u64(file, segment.memory_size);
        put_u64(file, 0x1000);
    }
    file.resize(data_offset);
    for (const SectionData& section : sections) {
        file.insert(file.end(), section.content.begin(), section.content.end());
        file.resize(aligned(file.size()));
    }
    file.insert(file.end(), names.begin(), names.end());
    if (!section_headers) return file;

    file.resize(table_offset + 64);  // the null section
    const auto put_header = [&file](std::uint32_t name, const SectionData& section,
                                    std::uint64_t offset, std::uint64_t size) {
        put_u32(file, name);
        put_u32(file, section.type);
        put_u64(file, section.flags);
        put_u64(file, section.address);
        put_u64(file, section.false_offset == ~std::uint64_t{0} ? offset : section.false_offset);
        put_u64(file, section.false_size == ~std::uint64_t{0} ? size : section.false_size);
        put_u32(file, section.link);
        put_u32(file, 0);
        put_u64(file, 1);
        put_u64(file, section.entry_size);
    };
    for (std::size_t i = 0; i < sections.size(); ++i) {
        put_header(name_offsets[i], sections[i], offset_of(static_cast<std::uint16_t>(i + 1)),
                   sections[i].content.size());
    }
    SectionData section_names;
    section_names.type = 3;  // SHT_STRTAB
    put_header(0, section_names, names_offset, names.size());
    return file;
}

}  // namespace fgread::test
