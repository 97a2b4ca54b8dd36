#include "symbols/symbol_choice.h"

#include <algorithm>
#include <compare>
#include <cstring>
#include <limits>
#include <span>
#include <string>

#include "symbols/demangle.h"
#include "symbols/radix_sort.h"

namespace fgread {
namespace {

// perf lets the last symbol of a file end a page after the one it begins in.
constexpr std::uint64_t page = 4096;

std::uint64_t end_of_last(std::uint64_t start) {
    const std::uint64_t rounded = (start + page - 1) & ~(page - 1);
    const std::uint64_t end = rounded + page;
    return end > start ? end : std::numeric_limits<std::uint64_t>::max();
}

void extend_unsized(std::vector<RawSymbol>& symbols) {
    for (std::size_t i = 0; i < symbols.size(); ++i) {
        if (symbols[i].end > symbols[i].address) continue;
        symbols[i].end =
            i + 1 < symbols.size() ? symbols[i + 1].address : end_of_last(symbols[i].address);
    }
}

std::size_t leading_underscores(std::string_view name) {
    return std::min(name.find_first_not_of('_'), name.size());
}

// The complete and the base constructor (C1, C2; D1, D2 of destructors) demangle to one name.
// They are by far the most frequent aliases of C++, so they are not worth a demangling.
bool same_structor(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    const auto [at_a, at_b] = std::mismatch(a.begin(), a.end(), b.begin());
    if (at_a == a.end() || at_a == a.begin()) return at_a == a.end();
    const char before = *(at_a - 1);
    return (before == 'C' || before == 'D') && std::equal(at_a + 1, a.end(), at_b + 1);
}

bool is_mangled(std::string_view name) { return name.starts_with("_Z") || name.starts_with("_R"); }

}  // namespace

bool BestName::improve(std::string_view other) {
    std::optional<std::string> other_shown;
    std::string_view a = name_, b = other;
    if (is_mangled(a) || is_mangled(b)) {
        if (same_structor(a, b)) return false;
        if (!shown_) shown_ = demangle(a);
        other_shown = demangle(b);
        a = *shown_;
        b = *other_shown;
    }
    const std::size_t underscores_a = leading_underscores(a);
    const std::size_t underscores_b = leading_underscores(b);
    const bool better =
        underscores_a != underscores_b ? underscores_b < underscores_a : b.size() > a.size();
    if (!better) return false;
    name_ = other;
    shown_ = std::move(other_shown);
    return true;
}

namespace {

// Whether `a` is to be preferred to `b` at the same address (less), or neither (equal).
std::strong_ordering compare(const RawSymbol& a, const RawSymbol& b) {
    const bool empty_a = a.end == a.address, empty_b = b.end == b.address;
    if (empty_a != empty_b) return empty_a <=> empty_b;
    return a.binding <=> b.binding;
}

}  // namespace

std::string_view symbol_name(ByteView names, std::uint32_t offset) {
    if (offset >= names.size()) return {};
    const ByteView rest = names.subspan(offset);
    const std::size_t limit = std::min(rest.size(), max_symbol_name);
    const char* begin = static_cast<const char*>(static_cast<const void*>(rest.data()));
    return {begin, ::strnlen(begin, limit)};
}

void choose_symbols(std::vector<RawSymbol>& symbols) {
    sort_by_number(std::span(symbols), [](const RawSymbol& symbol) { return symbol.address; });
    extend_unsized(symbols);
    std::size_t kept = 0;
    std::size_t group = 0;  // where the address at hand begins
    for (const RawSymbol& symbol : symbols) {
        if (kept == group || symbols[group].address != symbol.address) {
            group = kept;
        } else {
            const std::strong_ordering order = compare(symbol, symbols[group]);
            if (order > 0) continue;
            if (order < 0) kept = group;
        }
        symbols[kept++] = symbol;
    }
    symbols.resize(kept);
}

}  // namespace fgread
