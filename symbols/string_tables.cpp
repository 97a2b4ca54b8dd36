#include "symbols/string_tables.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "symbols/symbol_choice.h"

namespace fgread {

// Names by rising offset, in a mapping of the file or through a window of it.
class StringTables::Reader {
public:
    explicit Reader(const StringTables& tables) : tables_(tables) {
        for (const Table& table : tables.tables_) {
            mapped_.push_back(table.image == nullptr
                                  ? std::nullopt
                                  : table.image->map_range(table.file_offset, table.size));
        }
    }

    // Valid until the next call.
    std::string_view name(std::uint64_t offset) {
        const Table* table = tables_.table_of(offset);
        if (table == nullptr) return {};
        if (table->image == nullptr) return tables_[offset];
        if (const auto& mapped =
                mapped_[static_cast<std::size_t>(table - tables_.tables_.data())]) {
            return symbol_name(mapped->view(), static_cast<std::uint32_t>(offset - table->begin));
        }
        // Most names end in the window at hand or in a new one; few are longer than that.
        for (const std::uint64_t size : {std::uint64_t{0}, window_size, max_window_size}) {
            if (size != 0) load(*table, offset, size);
            if (offset < begin_ || offset - begin_ >= window_.size()) continue;
            const std::string_view found =
                symbol_name(window_.view(), static_cast<std::uint32_t>(offset - begin_));
            const bool whole = offset - begin_ + found.size() < window_.size();
            if (whole || size == max_window_size) return found;
        }
        return {};
    }

    // One that will be asked for soon. Only pages that are there already are looked at.
    void expect(std::uint64_t offset) const {
        constexpr std::size_t cache_line = 64;
        const Table* table = tables_.table_of(offset);
        if (table == nullptr) return;
        const auto& mapped = mapped_[static_cast<std::size_t>(table - tables_.tables_.data())];
        if (!mapped) return;
        const ByteView name = mapped->view().subspan(offset - table->begin);
        __builtin_prefetch(name.data());
        if (name.size() > cache_line) __builtin_prefetch(&name[cache_line]);
    }

private:
    static constexpr std::uint64_t window_size = 4096;
    static constexpr std::uint64_t max_window_size = max_symbol_name + 1;

    void load(const Table& table, std::uint64_t offset, std::uint64_t size) {
        const std::uint64_t into = offset - table.begin;
        begin_ = offset;
        window_ =
            table.image->read_range(table.file_offset + into, std::min(size, table.size - into));
    }

    const StringTables& tables_;
    std::vector<std::optional<OwnedBytes>> mapped_;  // by table
    std::uint64_t begin_ = 0;
    OwnedBytes window_;
};

std::uint64_t StringTables::size() const {
    return tables_.empty() ? 0 : tables_.back().begin + tables_.back().size;
}

std::uint64_t StringTables::add(OwnedBytes bytes) {
    const std::uint64_t begin = size();
    Table table;
    table.begin = begin;
    table.size = bytes.size();
    table.bytes = std::move(bytes);
    tables_.push_back(std::move(table));
    return begin;
}

std::uint64_t StringTables::add(const ElfImage& image, const Section& section) {
    const std::uint64_t begin = size();
    Table table;
    table.begin = begin;
    table.image = &image;
    table.file_offset = section.offset;
    // A section that does not lie inside the file is as good as absent.
    const bool inside =
        section.offset <= image.size() && section.size <= image.size() - section.offset;
    table.size = inside ? section.size : 0;
    tables_.push_back(std::move(table));
    return begin;
}

const StringTables::Table* StringTables::table_of(std::uint64_t offset) const {
    for (const Table& table : tables_) {
        if (offset - table.begin < table.size) return &table;
    }
    return nullptr;
}

std::string_view StringTables::operator[](std::uint64_t offset) const {
    const Table* table = table_of(offset);
    if (table == nullptr || table->image != nullptr) return {};
    return symbol_name(table->bytes.view(), static_cast<std::uint32_t>(offset - table->begin));
}

std::optional<StringTables> StringTables::gather(const std::vector<std::uint32_t>& offsets,
                                                 std::vector<std::uint32_t>& places) const {
    std::string all;
    Reader reader(*this);
    places.clear();
    places.reserve(offsets.size());
    for (std::size_t i = 0; i < offsets.size(); ++i) {
        constexpr std::size_t ahead = 8;
        if (i + ahead < offsets.size()) reader.expect(offsets[i + ahead]);
        places.push_back(static_cast<std::uint32_t>(all.size()));
        all.append(reader.name(offsets[i])).push_back('\0');
        if (all.size() > size()) return std::nullopt;
    }
    OwnedBytes bytes(all.size());
    if (!all.empty()) std::memcpy(bytes.writable().data(), all.data(), all.size());
    StringTables gathered;
    gathered.add(std::move(bytes));
    return gathered;
}

}  // namespace fgread
