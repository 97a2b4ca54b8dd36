// SymbolTable: which function an address of a binary belongs to, by its ELF symbols.
//
// Built once per binary: the symbols of executable sections, one name per address chosen among the
// aliases, cut into intervals that do not overlap, so that a lookup is one binary search.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "perfdata/address.h"
#include "symbols/elf_image.h"
#include "symbols/symbol_choice.h"

namespace fgread {

// Immutable once built; safe for any number of threads.
class SymbolTable {
public:
    SymbolTable() = default;

    // .symtab of `debug_file` (may be null), else .symtab of `binary`, else its .dynsym. Entries
    // that make no sense are skipped and counted in `malformed`. Cost: reads the two sections,
    // sorts; 100 ns per symbol.
    static SymbolTable read(const ElfImage& binary, const ElfImage* debug_file,
                            std::uint64_t& malformed);
    // Of symbols and NUL-terminated names given otherwise (kallsyms, a test).
    static SymbolTable build(std::vector<RawSymbol> symbols, OwnedBytes names);

    static constexpr std::uint32_t no_name = 0xffffffff;

    struct Match {
        std::string_view name;  // as in the file, version included; lives as long as the table
        std::uint32_t name_id;  // equal for equal symbols: a key to cache by
    };
    // The innermost symbol that covers `address`.
    [[nodiscard]] std::optional<Match> find(Svma address) const;

    // The string table the names are in.
    [[nodiscard]] ByteView names() const { return strings_.view(); }

    // Number of intervals, names or not.
    [[nodiscard]] std::size_t size() const { return starts_.size(); }
    [[nodiscard]] bool empty() const { return starts_.empty(); }

private:
    // Interval i is [starts_[i], starts_[i + 1]). A name of `no_name` is a gap. Two arrays, so
    // that the search walks eight bytes a step.
    std::vector<std::uint64_t> starts_;
    std::vector<std::uint32_t> names_;
    OwnedBytes strings_;
};

}  // namespace fgread
