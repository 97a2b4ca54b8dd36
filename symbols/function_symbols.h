// The functions in an x86-64 binary's symbol tables. Shared by FunctionRanges and
// search_function().
#pragma once

#include <elf.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "perfdata/byte_reader.h"
#include "symbols/elf_image.h"

namespace fgread {

struct FunctionSymbol {
    std::uint64_t start = 0, end = 0;  // never empty
    bool is_end_known = true;          // false: `end` is that of its section
    std::uint32_t name = 0;            // offset in the string table
};

// "f.cold", of old gccs "f.cold.12". Looks at the end only: most names are long.
[[nodiscard]] inline bool is_split_off(std::string_view name) {
    const std::size_t last = name.find_last_not_of(".0123456789");
    return name.substr(0, last + 1).ends_with(".cold");
}

// The table and its strings, for .symtab and .dynsym, if they are there.
struct FunctionTable {
    const Section* symbols = nullptr;
    const Section* strings = nullptr;
};
[[nodiscard]] inline std::array<FunctionTable, 2> function_tables(const ElfImage& image) {
    std::array<FunctionTable, 2> tables;
    constexpr std::array<std::uint32_t, 2> types = {SHT_SYMTAB, SHT_DYNSYM};
    for (std::size_t i = 0; i < types.size(); ++i) {
        const Section* symbols = image.find_section(types[i]);
        if (symbols == nullptr || symbols->type == SHT_NOBITS) continue;
        if (symbols->link == 0 || symbols->link >= image.sections().size()) continue;
        tables[i] = {symbols, &image.sections()[symbols->link]};
    }
    return tables;
}

// Calls `visit` with each function of a table whose bytes are `bytes`. `matters(start, size)` is
// asked first, of everything in the table: who looks for one function needs few of them.
template <typename Matters, typename Visit>
void each_function(const ElfImage& image, ByteView bytes, const Matters& matters, Visit visit) {
    // Processors ask for memory ahead only within a page.
    constexpr std::size_t ahead = 2048;
    const std::vector<Section>& sections = image.sections();
    for (; bytes.size() >= sizeof(Elf64_Sym); bytes = bytes.subspan(sizeof(Elf64_Sym))) {
        const auto at = [&](std::size_t field) { return bytes.data() + field; };
        __builtin_prefetch(at(std::min(ahead, bytes.size() - 1)));
        FunctionSymbol symbol;
        symbol.start = load_unchecked<std::uint64_t>(at(8), Endian::little);
        const auto size = load_unchecked<std::uint64_t>(at(16), Endian::little);
        if (!matters(symbol.start, size)) continue;
        symbol.name = load_unchecked<std::uint32_t>(at(0), Endian::little);
        const unsigned kind = load_unchecked<std::uint8_t>(at(4), Endian::little) & 0xf;
        const auto section = load_unchecked<std::uint16_t>(at(6), Endian::little);
        if (kind != STT_FUNC && kind != STT_GNU_IFUNC) continue;
        if (section == SHN_UNDEF || section >= sections.size()) continue;
        const Section& place = sections[section];
        if (!place.executable()) continue;
        symbol.is_end_known = size != 0;
        symbol.end = size != 0 ? symbol.start + size : place.address.value + place.size;
        if (symbol.end > symbol.start) visit(symbol);
    }
}

}  // namespace fgread
