// Which of several symbols at one address names it, and where each one ends.
//
// The rules are perf's (what tools/perf/util/symbol.c calls fixup_end, fixup_duplicate and
// choose_best_symbol), as observed with perf 6.1, so that users find the names they know:
//   - a symbol without a size (hand-written assembly: _start, _init) reaches to the next symbol,
//     so among several of them at one address only the last one is not empty;
//   - at one address, one with a size before one without; then weak ones last, global before
//     local; then the fewest leading underscores; then the longest (demangled) name; then the
//     first in the file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "perfdata/byte_reader.h"

namespace fgread {

enum class SymbolBinding : std::uint8_t { global, local, weak };

// One symbol before the choice: [address, end); end == address if its author gave no size.
struct RawSymbol {
    std::uint64_t address = 0;
    std::uint64_t end = 0;
    std::uint32_t name = 0;  // offset into the names (StringTables)
    SymbolBinding binding = SymbolBinding::global;
};

// Where one ends that has `size` bytes.
[[nodiscard]] inline std::uint64_t end_of_symbol(std::uint64_t address, std::uint64_t size) {
    return size > ~address ? ~std::uint64_t{0} : address + size;
}

// Names longer than this are cut; the longest real ones have some 10 KiB.
inline constexpr std::size_t max_symbol_name = 64 * 1024;

// The NUL-terminated name at `offset` of a string table; empty if it lies outside.
[[nodiscard]] std::string_view symbol_name(ByteView names, std::uint32_t offset);

// `symbols` stand in the order of the file. Sorts by address, gives symbols without a size the room
// up to the next address, and keeps at each address those that size and binding do not rule out, in
// the order of the file. Looks at no name.
void choose_symbols(std::vector<RawSymbol>& symbols);

// The best of the names of one symbol, given in the order of the file. Demangles each once, if need
// be: with thousands of functions folded into one (ICF), that is for those that are asked for.
class BestName {
public:
    explicit BestName(std::string_view first) : name_(first) {}
    // True if `other` is better than the best one so far, in whose place it then is.
    bool improve(std::string_view other);

private:
    std::string_view name_;
    std::optional<std::string> shown_;  // of name_, once it was needed
};

}  // namespace fgread
