// Makes small ELF files, byte by byte, for tests: 64-bit, little-endian, x86-64.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fgread::test {

using Bytes = std::vector<std::byte>;

void put_u16(Bytes& bytes, std::uint16_t value);
void put_u32(Bytes& bytes, std::uint32_t value);
void put_u64(Bytes& bytes, std::uint64_t value);
void put_text(Bytes& bytes, std::string_view text);  // without a NUL
Bytes bytes_of(std::string_view text);

struct TestSymbol {
    std::string name;
    std::uint64_t value = 0;
    std::uint64_t size = 0;
    unsigned type = 2;        // STT_FUNC
    unsigned binding = 1;     // STB_GLOBAL
    unsigned visibility = 0;  // STV_DEFAULT
    std::uint16_t section = 1;
};

// Sections are numbered from 1 in the order they are added; the string table of their names comes
// last. Everything public may be falsified before bytes() is called.
class ElfBuilder {
public:
    struct SectionData {
        std::string name;
        std::uint32_t type = 1;  // SHT_PROGBITS
        std::uint64_t flags = 0;
        std::uint64_t address = 0;
        Bytes content;
        std::uint32_t link = 0;
        std::uint64_t entry_size = 0;
        // What the header says instead of the truth, if not ~0.
        std::uint64_t false_offset = ~std::uint64_t{0};
        std::uint64_t false_size = ~std::uint64_t{0};
    };
    struct SegmentData {
        std::uint32_t type = 1;  // PT_LOAD
        std::uint32_t flags = 4;
        std::uint64_t offset = 0, address = 0, file_size = 0, memory_size = 0;
    };

    std::vector<SectionData> sections;
    std::vector<SegmentData> segments;
    bool section_headers = true;
    std::uint16_t type = 3;  // ET_DYN

    // Returns the section's number.
    std::uint16_t add(SectionData section);
    // ".text" of `size` bytes of int3 at `address`, with a PT_LOAD around it.
    std::uint16_t add_text(std::uint64_t address, std::uint64_t size);
    // .symtab or .dynsym with its string table.
    void add_symbols(const std::vector<TestSymbol>& symbols, bool dynamic = false);
    void add_build_id(const Bytes& id);

    // The file. Section contents begin at `data_offset`, in order, each aligned to 16 bytes.
    [[nodiscard]] Bytes bytes() const;
    // Where the content of section `number` will be in the file.
    [[nodiscard]] std::uint64_t offset_of(std::uint16_t number) const;

    static constexpr std::uint64_t data_offset = 0x1000;
};

}  // namespace fgread::test
