// StringTables: the string tables that the symbols of a binary take their names from, as one range
// of offsets.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "symbols/elf_image.h"
#include "symbols/regular_file.h"

namespace fgread {

// Not thread-safe while tables are added; const calls then are.
class StringTables {
public:
    // Adds a table and returns the offset that its first byte has from now on.
    std::uint64_t add(OwnedBytes bytes);
    // The same of a section that stays in the file until a name is asked for. `image` must live
    // until then.
    std::uint64_t add(const ElfImage& image, const Section& section);

    // Bytes of all tables: the offset that the next one will get.
    [[nodiscard]] std::uint64_t size() const;

    // The NUL-terminated name at `offset`, at most max_symbol_name bytes of it; empty if there is
    // none, and for tables left in the file. Lives as long as the tables.
    [[nodiscard]] std::string_view operator[](std::uint64_t offset) const;

    // Reads the names at `offsets` (sorted, each once) into one table of their own, in which
    // the name at offsets[i] is at places[i]. Nothing if the names, which may overlap, are larger
    // than the tables they are in. Cost: a pread per 4 KiB that have names, or the page faults.
    [[nodiscard]] std::optional<StringTables> gather(const std::vector<std::uint32_t>& offsets,
                                                     std::vector<std::uint32_t>& places) const;

private:
    struct Table {
        std::uint64_t begin = 0, size = 0;  // among all offsets
        OwnedBytes bytes;                   // empty if it is in the file
        const ElfImage* image = nullptr;
        std::uint64_t file_offset = 0;
    };
    class Reader;
    [[nodiscard]] const Table* table_of(std::uint64_t offset) const;

    std::vector<Table> tables_;
};

}  // namespace fgread
