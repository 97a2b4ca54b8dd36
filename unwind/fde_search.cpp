#include "unwind/fde_search.h"

#include <algorithm>

#include "unwind/dwarf_constants.h"

namespace fgread {
namespace {

// Length, CIE pointer, start and size of an FDE as every linker of x86-64 writes them.
constexpr std::uint64_t plain_size = 16;
constexpr std::uint32_t long_length = 0xffffffff;
constexpr std::uint32_t max_plain_range = 0x7fffffff;

// Walks the entries of a section.
class FdeSearch {
public:
    FdeSearch(const CfiSection& section, std::uint64_t pc)
        : section_(section), pc_(pc), cies_(section) {}

    FdesAt run() {
        do {
            step_over_far();
        } while (offset_ < section_.bytes.size() && (step_over_plain() || step_over_any()));
        if (found_.fdes.empty()) found_.gap = gap_;
        return std::move(found_);
    }

private:
    // FDEs of .eh_frame that are like the one before, with 4-byte pointers, and lie outside the
    // gap: nearly all are so.
    void step_over_far() {
        const std::byte* bytes = section_.bytes.data();
        const std::uint64_t size = section_.bytes.size();
        if (!last_is_plain_ || size > long_length) return;
        std::uint64_t offset = offset_;
        while (size - offset >= plain_size) {
            const Plain fde = load_plain(bytes + offset);
            // A length that is too small becomes one that is too large.
            const std::uint64_t more = std::uint64_t{fde.length} - (plain_size - 4);
            if (more > size - offset - plain_size || offset + 4 - fde.back != last_cie_ ||
                fde.size > max_plain_range) {
                break;
            }
            const std::uint64_t start = start_of(fde, offset);
            if (start <= gap_.last && start + fde.size > gap_.first) break;
            offset += 4 + std::uint64_t{fde.length};
        }
        offset_ = offset;
    }

    struct Plain {
        std::uint32_t length, back;
        std::int32_t distance;
        std::uint32_t size;
    };
    [[nodiscard]] Plain load_plain(const std::byte* bytes) const {
        const Endian endian = section_.endian;
        return {load_unchecked<std::uint32_t>(bytes, endian),
                load_unchecked<std::uint32_t>(bytes + 4, endian),
                load_unchecked<std::int32_t>(bytes + 8, endian),
                load_unchecked<std::uint32_t>(bytes + 12, endian)};
    }
    [[nodiscard]] std::uint64_t start_of(const Plain& fde, std::uint64_t offset) const {
        return section_.bases.section + offset + 8 +
               static_cast<std::uint64_t>(std::int64_t{fde.distance});
    }

    // False, without a step, unless the entry is an FDE of .eh_frame with 4-byte pointers.
    bool step_over_plain() {
        const std::uint64_t rest = section_.bytes.size() - offset_;
        if (section_.is_debug_frame || rest < plain_size) return false;
        const Plain fde = load_plain(section_.bytes.data() + offset_);
        if (fde.length < plain_size - 4 || fde.length == long_length || fde.length > rest - 4) {
            return false;
        }
        if (fde.back == 0 || !is_plain(offset_ + 4 - fde.back)) return false;
        const std::uint64_t start = start_of(fde, offset_);
        // A negative size is for read_fde() to judge.
        if (pc_ - start < fde.size || fde.size > max_plain_range) {
            read_whole();
        } else {
            narrow_gap(start, start + fde.size);
        }
        offset_ += 4 + std::uint64_t{fde.length};
        return true;
    }

    // False at the end of the section.
    bool step_over_any() {
        const auto entry = read_entry(section_, offset_);
        if (!entry) return false;
        if (entry->kind == CfiEntry::Kind::terminator && !section_.is_debug_frame) return false;
        if (entry->kind == CfiEntry::Kind::fde) read_whole();
        offset_ = entry->end;
        return true;
    }

    void read_whole() {
        const auto fde = read_fde_at(section_, offset_, cies_);
        if (!fde || is_dropped_function(section_, *fde)) return;
        if (pc_ < fde->start || pc_ >= fde->end) return narrow_gap(fde->start, fde->end);
        found_.fdes.push_back(place_of(*fde));
    }

    // [start, end) does not hold the address.
    void narrow_gap(std::uint64_t start, std::uint64_t end) {
        if (start == end) return;
        if (start > pc_) {
            gap_.last = std::min(gap_.last, start - 1);
        } else {
            gap_.first = std::max(gap_.first, end);
        }
    }

    bool is_plain(std::uint64_t cie_offset) {
        if (cie_offset != last_cie_) {
            last_cie_ = cie_offset;
            const Cie* cie = cies_.find(cie_offset);
            last_is_plain_ = cie != nullptr && cie->address_size == 8 && cie->segment_size == 0 &&
                             cie->fde_encoding == (dwarf::pe_pcrel | dwarf::pe_sdata4);
        }
        return last_is_plain_;
    }

    const CfiSection& section_;
    const std::uint64_t pc_;
    CieCache cies_;
    std::uint64_t offset_ = 0;
    std::uint64_t last_cie_ = ~std::uint64_t{0};
    bool last_is_plain_ = false;
    FdesAt found_;
    AddressRange gap_{0, ~std::uint64_t{0}};
};

}  // namespace

FdesAt find_fdes_at(const CfiSection& section, std::uint64_t pc) {
    return FdeSearch(section, pc).run();
}

}  // namespace fgread
