// The inline index on raw sections: no ELF file around them, so that every byte is DWARF.
//
// Input: for each of the sections of `layout` a 16-bit length and that many bytes; the rest is
// .debug_info.
#include <array>
#include <cstddef>
#include <cstdint>

#include "perfdata/byte_reader.h"
#include "symbols/dwarf_index.h"

namespace {

using namespace fgread;

constexpr std::array layout = {
    DwarfSection::abbrev,      DwarfSection::str,      DwarfSection::line,
    DwarfSection::ranges,      DwarfSection::rnglists, DwarfSection::addr,
    DwarfSection::str_offsets, DwarfSection::line_str, DwarfSection::types,
    DwarfSection::cu_index,
};

DwarfSections split_input(ByteView input) {
    DwarfSections sections;
    ByteReader reader(input);
    for (const DwarfSection section : layout) {
        const std::uint16_t size = reader.u16();
        const ByteView bytes = reader.bytes(size);
        sections.bytes[static_cast<std::size_t>(section)] = bytes;
    }
    sections.bytes[static_cast<std::size_t>(DwarfSection::info)] = reader.bytes(reader.remaining());
    return sections;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const DwarfSections sections = split_input(std::as_bytes(std::span(data, size)));
    DwarfInputs inputs;
    inputs.debug_file = sections;
    inputs.supplementary = sections;
    inputs.package = sections;
    inputs.open_split = [&](const std::string&) { return std::optional(sections); };
    const auto index = DwarfIndex::open(std::move(inputs));
    if (!index) return 0;
    std::vector<InlineFrame> frames;
    // Addresses that small inputs can name.
    for (std::uint64_t pc = 0; pc < 64; ++pc) index->chain(Svma{pc * 5}, true, frames);
    for (std::uint64_t pc = 0x1000; pc < 0x1040; pc += 4) index->chain(Svma{pc}, true, frames);
    return 0;
}
