// The inline index on an ELF file in memory, compressed sections included.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "symbols/dwarf_index.h"
#include "symbols/elf_image.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace fgread;
    const auto bytes = std::as_bytes(std::span(data, size));
    const auto image = ElfImage::read(std::vector<std::byte>(bytes.begin(), bytes.end()));
    if (!image) return 0;
    for (const DwarfFlavour flavour : {DwarfFlavour::whole, DwarfFlavour::split}) {
        DwarfInputs inputs;
        inputs.debug_file = read_dwarf_sections(*image, flavour);
        inputs.supplementary = inputs.debug_file;
        const std::vector<SvmaRange> code = inputs.debug_file.code;
        const auto index = DwarfIndex::open(std::move(inputs));
        if (!index) continue;
        std::vector<InlineFrame> frames;
        constexpr std::uint64_t probes = 64;
        for (const SvmaRange& range : code) {
            const std::uint64_t step = (range.high - range.low) / probes + 1;
            for (std::uint64_t i = 0; i < probes; ++i) {
                index->chain(Svma{range.low + i * step}, true, frames);
            }
        }
    }
    return 0;
}
