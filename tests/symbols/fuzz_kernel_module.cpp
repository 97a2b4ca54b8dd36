// Any bytes as a kernel module's file: packed or not.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <vector>

#include "symbols/elf_image.h"
#include "symbols/placed_module.h"
#include "symbols/symbol_table.h"
#include "symbols/unpack.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace fgread;
    constexpr std::uint64_t limit = 1 << 20;
    std::vector<std::byte> file(size);
    for (std::size_t i = 0; i < size; ++i) file[i] = std::byte(data[i]);
    std::optional<std::vector<std::byte>> unpacked = unpack(file, limit);
    if (!unpacked) return 0;
    if (unpacked->size() > limit && unpacked->size() > size) std::abort();
    const std::optional<std::vector<std::byte>> placed = place_module(std::move(*unpacked));
    if (!placed) return 0;
    const std::optional<ElfImage> image = ElfImage::read(*placed);
    if (!image) return 0;
    std::uint64_t malformed = 0;
    const SymbolTable symbols = SymbolTable::read(*image, nullptr, malformed);
    (void)symbols.find(Svma{placed_module_base});
    return 0;
}
