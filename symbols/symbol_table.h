// SymbolTable: which function an address of a binary belongs to, by its ELF symbols.
//
// Built once per binary: the symbols of executable sections, one name per address chosen among the
// aliases, cut into intervals that do not overlap, so that a lookup is one binary search.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "perfdata/address.h"
#include "symbols/elf_image.h"
#include "symbols/string_tables.h"
#include "symbols/symbol_choice.h"
#include "symbols/wanted_addresses.h"

namespace fgread {

// Safe for any number of threads once built.
class SymbolTable {
public:
    SymbolTable() = default;

    // .symtab and .dynsym of `debug_file` (may be null) if it has a .symtab, else of `binary` and
    // of its MiniDebugInfo, and the stubs of its PLT. Entries that make no sense are skipped and
    // counted in `malformed`. With `wanted` the table answers for those addresses only, as the
    // whole one would: symbols that bear on none of them are not sorted, and their names not read.
    // Cost: reads .symtab; 100 ns per symbol for the whole table, 10 ns for one of few wanted
    // addresses.
    static SymbolTable read(const ElfImage& binary, const ElfImage* debug_file,
                            std::uint64_t& malformed, const WantedAddresses* wanted = nullptr);
    // Of symbols and names given otherwise (kallsyms, a test).
    static SymbolTable build(std::vector<RawSymbol> symbols, StringTables names);

    static constexpr std::uint32_t no_name = 0xffffffff;

    struct Match {
        std::string_view name;  // as in the file, version included; lives as long as the table
        std::uint32_t name_id;  // equal for equal symbols: a key to cache by
        Svma start;             // of the symbol
        Svma until;             // addresses in front of it that are answered for have this match
    };
    // The innermost symbol that covers `address`. Aliases that only their names tell apart are
    // compared the first time, and demangled for it.
    [[nodiscard]] std::optional<Match> find(Svma address) const;

    // False for an address that the table was not read for: another one has to be.
    [[nodiscard]] bool answers(Svma address) const {
        return !wanted_ || wanted_->contains(address.value);
    }

    // Number of intervals, names or not.
    [[nodiscard]] std::size_t size() const { return starts_.size(); }
    [[nodiscard]] bool empty() const { return starts_.empty(); }

private:
    class IntervalBuilder;

    // The names of an address that has several; the best is found when first asked for.
    struct Aliases {
        std::uint32_t first = 0;  // in alias_names_
        std::uint32_t count = 0;
    };
    // Marks an element of names_ that is a place in aliases_, not the offset of a name.
    static constexpr std::uint32_t alias_flag = 0x80000000;
    static constexpr std::uint32_t no_interval = 0xffffffff;

    std::uint32_t add_aliases(const RawSymbol* first, std::size_t count);
    [[nodiscard]] std::uint32_t choose(std::uint32_t place) const;
    [[nodiscard]] std::uint32_t interval_of(std::uint64_t address) const;
    [[nodiscard]] std::uint64_t start_of(std::uint64_t interval_start) const;
    void find_asked_intervals();
    template <typename Visit>
    void each_asked_name(const Visit& visit);
    [[nodiscard]] bool keep_only_asked_names();

    // Where a symbol goes on behind one that it contains.
    struct Continued {
        std::uint64_t at = 0;     // the interval's start
        std::uint64_t start = 0;  // the symbol's
    };

    // Interval i is [starts_[i], starts_[i + 1]). A name of `no_name` is a gap. Two arrays, so
    // that the search walks eight bytes a step.
    std::vector<std::uint64_t> starts_;
    std::vector<std::uint32_t> names_;
    std::vector<Continued> continued_;  // by `at`
    std::vector<Aliases> aliases_;
    std::vector<std::uint32_t> alias_names_;
    // By place in aliases_; no_name: not chosen yet. Whoever asks first chooses, and so may several
    // threads at once: all choose the same.
    std::unique_ptr<std::atomic<std::uint32_t>[]> chosen_;
    StringTables strings_;
    std::optional<WantedAddresses> wanted_;
    std::vector<std::uint32_t> asked_;  // by place in wanted_->all(): its interval
};

}  // namespace fgread
