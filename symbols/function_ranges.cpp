#include "symbols/function_ranges.h"

#include <elf.h>

#include <algorithm>
#include <string_view>
#include <tuple>

#include "symbols/mini_debug_info.h"

namespace fgread {
namespace {

// Functions nest (assembly with several entries), but not deeply.
constexpr std::size_t max_nested = 32;

// "f.cold", of old gccs "f.cold.12".
bool is_split_off(std::string_view name) {
    const std::size_t at = name.rfind(".cold");
    if (at == std::string_view::npos) return false;
    return name.find_first_not_of(".0123456789", at + 5) == std::string_view::npos;
}

std::string_view name_at(ByteView names, std::uint64_t offset) {
    ByteReader reader(names, Endian::little);
    reader.seek(offset);
    return reader.c_string();
}

}  // namespace

void FunctionRanges::add_symbols_of(const ElfImage& image) {
    for (const std::uint32_t type : {SHT_SYMTAB, SHT_DYNSYM}) {
        const Section* symbols = image.find_section(type);
        if (symbols == nullptr || symbols->type == SHT_NOBITS) continue;
        if (symbols->link == 0 || symbols->link >= image.sections().size()) continue;
        const OwnedBytes table = image.contents(*symbols);
        const OwnedBytes names = image.contents(image.sections()[symbols->link]);
        ByteReader reader(table.view(), Endian::little);
        while (reader.remaining() >= sizeof(Elf64_Sym)) {
            const std::uint32_t name = reader.u32();
            const unsigned kind = reader.u8() & 0xf;
            reader.skip(1);  // st_other
            const std::uint16_t section = reader.u16();
            const std::uint64_t start = reader.u64(), size = reader.u64();
            if (kind != STT_FUNC && kind != STT_GNU_IFUNC) continue;
            if (section == SHN_UNDEF || section >= image.sections().size()) continue;
            const Section& place = image.sections()[section];
            if (!place.executable()) continue;
            Function function{start, start + size, 0, true, size != 0};
            if (size == 0) function.end = place.address.value + place.size;
            if (function.end <= start) continue;
            function.is_start = !is_split_off(name_at(names.view(), name));
            functions_.push_back(function);
        }
    }
}

void FunctionRanges::sort() {
    std::sort(functions_.begin(), functions_.end(), [](const Function& a, const Function& b) {
        return std::tuple(a.start, !a.is_end_known, b.end, a.is_start) <
               std::tuple(b.start, !b.is_end_known, a.end, b.is_start);
    });
    const auto last = std::unique(functions_.begin(), functions_.end(),
                                  [](const auto& a, const auto& b) { return a.start == b.start; });
    functions_.erase(last, functions_.end());
    functions_.shrink_to_fit();
    std::uint64_t highest = 0;
    for (std::size_t i = 0; i < functions_.size(); ++i) {
        Function& function = functions_[i];
        if (!function.is_end_known && i + 1 < functions_.size()) {
            function.end = std::min(function.end, functions_[i + 1].start);
        }
        highest = std::max(highest, function.end);
        function.highest_end = highest;
    }
}

FunctionRanges FunctionRanges::read(const ElfImage& binary, const ElfImage* debug_file) {
    FunctionRanges ranges;
    if (binary.machine() != EM_X86_64 || !binary.is_64bit()) return ranges;
    ranges.add_symbols_of(binary);
    if (debug_file != nullptr) ranges.add_symbols_of(*debug_file);
    if (const auto inner = read_mini_debug_info(binary)) ranges.add_symbols_of(*inner);
    ranges.sort();
    return ranges;
}

std::optional<FunctionRange> FunctionRanges::find(Svma address) const {
    auto at = std::upper_bound(
        functions_.begin(), functions_.end(), address.value,
        [](std::uint64_t wanted, const Function& each) { return wanted < each.start; });
    for (std::size_t tries = 0; at != functions_.begin() && tries < max_nested; ++tries) {
        --at;
        if (at->highest_end <= address.value) return std::nullopt;
        if (address.value >= at->end) continue;
        if (!at->is_start) return std::nullopt;
        return FunctionRange{{at->start}, {at->end}, at->is_end_known};
    }
    return std::nullopt;
}

}  // namespace fgread
