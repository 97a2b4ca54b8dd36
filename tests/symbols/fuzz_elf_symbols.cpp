// Any bytes as an ELF file: headers, all sections, unwind sections, symbols, functions, notes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "symbols/elf_image.h"
#include "symbols/function_ranges.h"
#include "symbols/segments.h"
#include "symbols/swept_functions.h"
#include "symbols/symbol_table.h"
#include "symbols/unwind_sections.h"

namespace {

// The table read for some addresses does not look at stubs they are not near to.
bool has_stubs(const fgread::ElfImage& image) {
    return std::any_of(image.sections().begin(), image.sections().end(),
                       [](const auto& section) { return section.name.starts_with(".plt"); });
}

std::string name_at(const fgread::SymbolTable& table, std::uint64_t address) {
    const auto found = table.find({address});
    return found ? std::string(found->name) : std::string();
}

}  // namespace

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
    const FunctionRanges functions = FunctionRanges::read(*image, &*image);
    const SweptFunctions swept = SweptFunctions::read(*image);
    for (std::uint64_t pc = 0; pc < 0x4000; pc += 0x101) {
        for (const auto& range : {functions.find({pc}), swept.find({pc})}) {
            if (range && (pc < range->start.value || pc >= range->end.value)) std::abort();
        }
    }
    std::uint64_t malformed = 0;
    const SymbolTable table = SymbolTable::read(*image, nullptr, malformed);
    std::vector<std::uint64_t> addresses;
    // Of every second page: what bears on those lies partly in others.
    for (std::uint64_t address = 0x1000; address < 0x8000; address += 0x101) {
        if ((address & 0x1000) != 0) addresses.push_back(address);
    }
    const auto wanted = WantedAddresses::of(addresses);
    const SymbolTable few = SymbolTable::read(*image, nullptr, malformed, &*wanted);
    if (has_stubs(*image)) return 0;
    for (const std::uint64_t address : addresses) {
        if (name_at(table, address) != name_at(few, address)) std::abort();
    }
    return 0;
}
