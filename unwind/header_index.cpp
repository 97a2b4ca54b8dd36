// The binary search table of .eh_frame_hdr. LSB Core 5.0, 10.6.2.
#include <algorithm>

#include "unwind/dwarf_constants.h"
#include "unwind/fde_index.h"

namespace fgread {
namespace {

// What every linker writes; read without a detour, as each lookup reads a dozen of them.
constexpr std::uint8_t usual_encoding = dwarf::pe_datarel | dwarf::pe_sdata4;

// lld lists functions of no size, too: clang makes them of what cannot be entered. More of them at
// the end of a table, one after the other, were not seen.
constexpr std::uint64_t max_unusable_at_end = 64;

struct Table {
    ByteView bytes;  // whole entries only
    std::uint64_t address = 0;
    std::uint8_t encoding = 0;
    unsigned field_size = 0;
    std::uint64_t count = 0;
};

class HeaderIndex final : public FdeIndex {
public:
    HeaderIndex(const CfiSection& section, const Table& table, const PointerBases& bases)
        : section_(section), table_(table), bases_(bases) {
        const auto last = last_usable();
        if (last && last->end > start_of(0)) span_ = {start_of(0), last->end - 1};
    }

    AddressRange span() const override { return span_; }

    // If the table is not sorted, this finds too few: the caller then asks a LinearIndex.
    void collect(AddressRange range, CieCache& cies, std::vector<Fde>& fdes) const override {
        fdes.clear();
        const std::uint64_t begin = first_with_its_start(last_at_or_before(range.first).entry);
        const std::uint64_t end = std::min<std::uint64_t>(table_.count, begin + max_collected);
        for (std::uint64_t i = begin; i < end && start_of(i) <= range.last; ++i) {
            const auto fde = verified_fde(i, cies);
            if (fde && fde->end > range.first) fdes.push_back(*fde);
        }
        const auto is_before = [](const Fde& a, const Fde& b) {
            return inner_comes_later(place_of(a), place_of(b));
        };
        if (std::is_sorted(fdes.begin(), fdes.end(), is_before)) return;
        std::sort(fdes.begin(), fdes.end(), is_before);
    }

    // In a table that is not sorted the search for another address may end elsewhere; not for one
    // that all starts it compared are on the same side of.
    std::optional<Fde> find_alone(std::uint64_t pc, CieCache& cies) const override {
        const Place place = last_at_or_before(pc);
        auto fde = verified_fde(place.entry, cies);
        if (!fde || pc < fde->start || pc >= fde->end || fde->start < place.highest_before ||
            fde->end > place.lowest_after) {
            return std::nullopt;
        }
        if (place.entry != 0 && start_of(place.entry - 1) >= fde->start) return std::nullopt;
        return fde;
    }

    void mark_found(const std::vector<FdePlace>& all, std::vector<bool>& found) const override {
        // No entry is shorter than eight bytes, so no two share a number.
        std::vector<std::uint32_t> numbers(section_.bytes.size() / 8 + 1);
        for (std::size_t i = 0; i < all.size(); ++i) {
            numbers[all[i].offset / 8] = static_cast<std::uint32_t>(i + 1);
        }
        std::vector<bool> listed(all.size());
        std::uint64_t end = 0;
        for (std::uint64_t i = 0; i < table_.count; ++i) {
            const std::uint64_t start = start_of(i);
            if (start < end) return;
            end = start;
            const std::uint64_t offset = field(i * 2 + 1) - section_.bases.section;
            if (offset >= section_.bytes.size()) continue;
            const std::uint32_t number = numbers[offset / 8];
            if (number == 0) continue;
            const FdePlace& fde = all[number - 1];
            if (fde.offset != offset || fde.start != start) continue;
            end = fde.end;
            listed[number - 1] = true;
        }
        found = std::move(listed);
    }

private:
    std::uint64_t field(std::uint64_t number) const {
        if (table_.encoding == usual_encoding) {
            const std::byte* at = table_.bytes.data() + number * table_.field_size;
            const auto value = load_unchecked<std::int32_t>(at, section_.endian);
            const std::uint64_t address =
                bases_.data + static_cast<std::uint64_t>(std::int64_t{value});
            return bases_.address_size == 4 ? address & 0xffffffffu : address;
        }
        ByteReader reader(table_.bytes, section_.endian);
        reader.seek(number * table_.field_size);
        PointerBases bases = bases_;
        bases.section = table_.address;
        return read_encoded(reader, table_.encoding, bases).value_or(0);
    }
    std::uint64_t start_of(std::uint64_t entry) const { return field(entry * 2); }

    // The FDE an entry points to, if it begins where the table says.
    std::optional<Fde> verified_fde(std::uint64_t entry, CieCache& cies) const {
        const std::uint64_t address = field(entry * 2 + 1);
        if (address < section_.bases.section) return std::nullopt;
        const auto fde = read_fde_at(section_, address - section_.bases.section, cies);
        if (!fde || fde->start != start_of(entry)) return std::nullopt;
        return fde;
    }

    std::optional<Fde> last_usable() const {
        CieCache cies(section_);
        const std::uint64_t tries = std::min(table_.count, max_unusable_at_end);
        for (std::uint64_t i = 1; i <= tries; ++i) {
            if (auto fde = verified_fde(table_.count - i, cies)) return fde;
        }
        return std::nullopt;
    }

    std::uint64_t first_with_its_start(std::uint64_t entry) const {
        const std::uint64_t start = start_of(entry);
        const std::uint64_t most = std::min<std::uint64_t>(entry, max_collected);
        std::uint64_t before = 0;
        while (before < most && start_of(entry - before - 1) == start) ++before;
        return entry - before;
    }

    struct Place {
        std::uint64_t entry = 0;
        // Of the starts that were compared: the highest at or before the address, the lowest after.
        std::uint64_t highest_before = 0;
        std::uint64_t lowest_after = ~std::uint64_t{0};
    };
    Place last_at_or_before(std::uint64_t address) const {
        const bool is_usual = table_.encoding == usual_encoding && bases_.address_size == 8 &&
                              section_.endian == Endian::little;
        if (!is_usual)
            return search(address, [this](std::uint64_t entry) { return start_of(entry); });
        return search(address, [this](std::uint64_t entry) {
            const auto distance = load_unchecked<std::int32_t>(bytes_of(entry), Endian::little);
            return bases_.data + static_cast<std::uint64_t>(std::int64_t{distance});
        });
    }

    template <typename StartOf>
    Place search(std::uint64_t address, const StartOf& start_of_entry) const {
        Place place;
        std::uint64_t low = 0, high = table_.count;
        while (high - low > 1) {
            const std::uint64_t middle = low + (high - low) / 2;
            // Whichever is next: of a million entries most are in no cache.
            __builtin_prefetch(bytes_of(low + (middle - low) / 2));
            __builtin_prefetch(bytes_of(middle + (high - middle) / 2));
            const std::uint64_t start = start_of_entry(middle);
            if (start <= address) {
                low = middle;
                place.highest_before = std::max(place.highest_before, start);
            } else {
                high = middle;
                place.lowest_after = std::min(place.lowest_after, start);
            }
        }
        place.entry = low;
        return place;
    }

    const std::byte* bytes_of(std::uint64_t entry) const {
        return table_.bytes.data() + entry * 2 * table_.field_size;
    }

    const CfiSection& section_;
    Table table_;
    PointerBases bases_;
    AddressRange span_;
};

}  // namespace

std::unique_ptr<FdeIndex> make_header_index(const CfiSection& eh_frame, ByteView header,
                                            std::uint64_t header_address) {
    ByteReader reader(header, eh_frame.endian);
    const std::uint8_t version = reader.u8();
    const std::uint8_t frame_pointer_encoding = reader.u8();
    const std::uint8_t count_encoding = reader.u8();
    Table table;
    table.encoding = reader.u8();
    if (!reader.ok() || version != 1) return nullptr;

    // datarel means here: relative to the header itself.
    const PointerBases bases{header_address, 0, header_address, eh_frame.bases.address_size};
    if (!skip_encoded(reader, frame_pointer_encoding, bases)) return nullptr;
    const auto count = read_encoded(reader, count_encoding, bases);
    const unsigned base = table.encoding & dwarf::pe_base_mask;
    table.field_size = encoded_size(table.encoding, bases.address_size);
    if (!count || !reader.ok() || table.field_size == 0 || table.encoding == dwarf::pe_omit ||
        (base != dwarf::pe_absptr && base != dwarf::pe_pcrel && base != dwarf::pe_datarel)) {
        return nullptr;
    }
    table.address = header_address + reader.position();
    table.count = std::min<std::uint64_t>(*count, reader.remaining() / (2 * table.field_size));
    if (table.count == 0) return nullptr;
    table.bytes = reader.bytes(table.count * 2 * table.field_size);
    auto index = std::make_unique<HeaderIndex>(eh_frame, table, bases);
    if (index->span().first > index->span().last) return nullptr;
    return index;
}

}  // namespace fgread
