#include "symbols/function_search.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "symbols/function_symbols.h"
#include "symbols/go_functions.h"

namespace fgread {
namespace {

// Names longer than this are left to FunctionRanges.
constexpr std::uint64_t max_name = std::uint64_t{16} << 10;

// The last function that begins at or before an address, and what must be known of the others.
class Search {
public:
    explicit Search(Svma address) : address_(address.value) {}

    void add_symbols_of(const ElfImage& image) {
        for (const FunctionTable& table : function_tables(image)) {
            if (table.symbols == nullptr) continue;
            const OwnedBytes bytes = image.contents(*table.symbols);
            const auto matters = [this](std::uint64_t start, std::uint64_t size) {
                return may_matter(start, size);
            };
            each_function(image, bytes.view(), matters, [&](const FunctionSymbol& symbol) {
                add(symbol, image, *table.strings);
            });
        }
    }

    [[nodiscard]] FoundFunction result() const {
        const bool covers = !names_.empty() && last_.end > address_;
        // Another function may reach over the gap behind the last one.
        if (!covers) return {highest_end_ <= address_, std::nullopt};
        for (const Name& name : names_) {
            const auto split_off = is_name_split_off(name);
            if (!split_off) return {};
            if (*split_off) return {true, std::nullopt};
        }
        const std::uint64_t end = last_.is_end_known ? last_.end : std::min(last_.end, next_start_);
        return {true, FunctionRange{{last_.start}, {end}, last_.is_end_known}};
    }

private:
    struct Name {
        const ElfImage* image;
        const Section* strings;
        std::uint32_t offset;
    };

    // False for most: what begins behind the next function, and what begins in front of the last
    // one and ends before another does.
    [[nodiscard]] bool may_matter(std::uint64_t start, std::uint64_t size) const {
        if (start > address_) return start < next_start_;
        return start >= last_.start || start + size > highest_end_;
    }

    void add(const FunctionSymbol& symbol, const ElfImage& image, const Section& strings) {
        if (symbol.start > address_) {
            next_start_ = std::min(next_start_, symbol.start);
            return;
        }
        if (symbol.is_end_known) highest_end_ = std::max(highest_end_, symbol.end);
        const int order = names_.empty() ? 1 : compare(symbol);
        if (order < 0) return;
        if (order > 0) names_.clear();
        last_ = symbol;
        names_.push_back({&image, &strings, symbol.name});
    }

    // Above 0: `symbol` is to be preferred to last_; 0: both are names of one function.
    [[nodiscard]] int compare(const FunctionSymbol& symbol) const {
        if (symbol.start != last_.start) return symbol.start > last_.start ? 1 : -1;
        if (symbol.is_end_known != last_.is_end_known) return symbol.is_end_known ? 1 : -1;
        if (symbol.end != last_.end) return symbol.end > last_.end ? 1 : -1;
        return 0;
    }

    // Nothing if it cannot be read so.
    static std::optional<bool> is_name_split_off(const Name& name) {
        const bool packed = (name.strings->flags & SHF_COMPRESSED) != 0;
        if (packed || name.offset >= name.strings->size) return std::nullopt;
        const std::uint64_t size = std::min(max_name, name.strings->size - name.offset);
        const OwnedBytes bytes = name.image->read_range(name.strings->offset + name.offset, size);
        ByteReader reader(bytes.view(), Endian::little);
        const std::string_view text = reader.c_string();
        if (!reader.ok()) return std::nullopt;
        return is_split_off(text);
    }

    const std::uint64_t address_;
    FunctionSymbol last_;
    std::vector<Name> names_;  // of last_; empty: there is none yet
    std::uint64_t next_start_ = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t highest_end_ = 0;  // of those that begin at or before the address
};

}  // namespace

FoundFunction search_function(const ElfImage& binary, const ElfImage* debug_file, Svma address) {
    if (binary.machine() != EM_X86_64 || !binary.is_64bit()) return {true, std::nullopt};
    const bool named_elsewhere =
        binary.find_section(".gnu_debugdata") != nullptr || find_go_table(binary) != nullptr;
    if (named_elsewhere) return {};
    Search search(address);
    search.add_symbols_of(binary);
    if (debug_file != nullptr) search.add_symbols_of(*debug_file);
    return search.result();
}

}  // namespace fgread
