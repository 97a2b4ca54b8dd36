// FunctionRanges: where the functions of a binary begin and end, by its symbols.
//
// What SymbolTable leaves out: labels inside functions are no functions, and of names only one
// thing matters.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "symbols/elf_image.h"
#include "unwind/module_provider.h"

namespace fgread {

// Safe for any number of threads once built.
class FunctionRanges {
public:
    // By .symtab and .dynsym of the binary, its MiniDebugInfo, and .symtab of `debug_file` (may be
    // null). Empty unless it is x86-64: no other code is analysed. Reads the tables and the names:
    // 20 ns per symbol.
    static FunctionRanges read(const ElfImage& binary, const ElfImage* debug_file);

    // Those at which the stacks of Go programs end.
    [[nodiscard]] std::span<const StackBottom> bottoms() const { return bottoms_; }

    // The innermost function that covers `address`. Nothing for one that gcc split off another
    // ("f.cold"): it begins in the middle of that one's frame.
    [[nodiscard]] std::optional<FunctionRange> find(Svma address) const;

private:
    struct Function {
        std::uint64_t start = 0, end = 0;
        std::uint64_t highest_end = 0;  // of this and all earlier ones
        bool is_start = true;           // false: of a part split off
        bool is_end_known = true;
    };
    void add(Function function, std::string_view name);
    void add_symbols_of(const ElfImage& image);
    void sort();

    std::vector<Function> functions_;
    std::vector<StackBottom> bottoms_;
};

}  // namespace fgread
