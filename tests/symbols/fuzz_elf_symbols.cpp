// Any bytes as an ELF file: headers, all sections, unwind sections, symbols, notes.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "symbols/elf_image.h"
#include "symbols/segments.h"
#include "symbols/symbol_table.h"
#include "symbols/unwind_sections.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace fgread;
    std::vector<std::byte> bytes;
    bytes.reserve(size);
    for (std::size_t i = 0; i < size; ++i) bytes.push_back(std::byte(data[i]));
    const auto image = ElfImage::read(std::move(bytes));
    if (!image) return 0;
    for (const Section& section : image->sections()) (void)image->contents(section);
    (void)svma_of_mapping(loaded_segments(*image), 0x1000, 0x1000);
    (void)read_unwind_sections(*image, &*image);
    std::uint64_t malformed = 0;
    const SymbolTable table = SymbolTable::read(*image, nullptr, malformed);
    for (std::uint64_t address = 0; address < 0x4000; address += 0x101) (void)table.find({address});
    return 0;
}
