// The functions in an x86-64 binary's symbol tables. Shared by FunctionRanges and
// search_function().
#pragma once

#include <elf.h>

#include <array>
#include <cstdint>
#include <string_view>

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

// Calls `visit` with each function of a table whose bytes are `bytes`.
template <typename Visit>
void each_function(const ElfImage& image, ByteView bytes, Visit visit) {
    ByteReader reader(bytes, Endian::little);
    while (reader.remaining() >= sizeof(Elf64_Sym)) {
        FunctionSymbol symbol;
        symbol.name = reader.u32();
        const unsigned kind = reader.u8() & 0xf;
        reader.skip(1);  // st_other
        const std::uint16_t section = reader.u16();
        symbol.start = reader.u64();
        const std::uint64_t size = reader.u64();
        if (kind != STT_FUNC && kind != STT_GNU_IFUNC) continue;
        if (section == SHN_UNDEF || section >= image.sections().size()) continue;
        const Section& place = image.sections()[section];
        if (!place.executable()) continue;
        symbol.is_end_known = size != 0;
        symbol.end = size != 0 ? symbol.start + size : place.address.value + place.size;
        if (symbol.end > symbol.start) visit(symbol);
    }
}

}  // namespace fgread
