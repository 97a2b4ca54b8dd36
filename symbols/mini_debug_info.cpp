#include "symbols/mini_debug_info.h"

#include <algorithm>

#include "symbols/xz.h"

namespace fgread {
namespace {

// Symbol tables shrink to a fifth with their names; a bomb of zeros to a seven-thousandth.
constexpr std::uint64_t max_expansion = 100;
constexpr std::uint64_t always_allowed = 1 << 20;
// Larger than any full .symtab with its names but those of browsers, which come unstripped.
constexpr std::uint64_t max_size = 256 << 20;

}  // namespace

std::optional<ElfImage> read_mini_debug_info(const ElfImage& binary) {
    const Section* section = binary.find_section(".gnu_debugdata");
    if (section == nullptr) return std::nullopt;
    const OwnedBytes packed = binary.contents(*section);
    if (packed.empty()) return std::nullopt;
    const std::uint64_t limit = std::min(max_size, max_expansion * packed.size() + always_allowed);
    std::optional<std::vector<std::byte>> bytes = expand_xz(packed.view(), limit);
    if (!bytes) return std::nullopt;
    std::optional<ElfImage> image = ElfImage::read(std::move(*bytes));
    if (!image || image->machine() != binary.machine() || image->endian() != binary.endian() ||
        image->is_64bit() != binary.is_64bit()) {
        return std::nullopt;
    }
    return image;
}

}  // namespace fgread
