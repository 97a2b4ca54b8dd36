#include "unwind/fde_search.h"

#include <algorithm>
#include <array>

#include "unwind/dwarf_constants.h"

namespace fgread {
namespace {

// Length, CIE pointer, start and size of an FDE as every linker of x86-64 writes them.
constexpr std::uint64_t plain_size = 16;
constexpr std::uint32_t long_length = 0xffffffff;
constexpr std::uint32_t max_plain_range = 0x7fffffff;
// Four bytes lead nowhere near.
constexpr std::uint64_t no_cie = std::uint64_t{1} << 63;
// Processors ask for memory ahead only within a page.
constexpr std::uint64_t ahead = 1024;

// Walks the entries of a section.
class FdeSearch {
public:
    FdeSearch(const CfiSection& section, std::uint64_t pc, FdeCounts* counts)
        : section_(section), pc_(pc), counts_(counts), cies_(section) {}

    FdesAt run() {
        do {
            if (section_.endian == Endian::little) {
                step_over_far<Endian::little>();
            } else {
                step_over_far<Endian::big>();
            }
        } while (offset_ < section_.bytes.size() && (step_over_plain() || step_over_any()));
        if (found_.fdes.empty()) found_.gap = gap_;
        return std::move(found_);
    }

private:
    // FDEs of .eh_frame with 4-byte pointers and one of the last two CIEs, for functions that do
    // not hold the address: nearly all are so, and a large program has 160,000 of them.
    template <Endian endian>
    void step_over_far() {
        const std::byte* bytes = section_.bytes.data();
        const std::uint64_t size = section_.bytes.size();
        if (plain_cies_[0] == no_cie || size > long_length) return;
        const auto [cie, other_cie] = plain_cies_;
        const std::uint64_t pc = pc_, bias = section_.bases.section + 8;
        FdeCounts* const counts = counts_;
        std::uint64_t first = gap_.first, last = gap_.last, offset = offset_;
        while (size - offset >= plain_size) {
            __builtin_prefetch(bytes + std::min(offset + ahead, size - 1));
            const Plain fde = load_plain<endian>(bytes + offset);
            // A length that is too small becomes one that is too large.
            const std::uint64_t more = std::uint64_t{fde.length} - (plain_size - 4);
            if (more > size - offset - plain_size) break;
            const std::uint64_t its_cie = offset + 4 - fde.back;
            if (its_cie != cie && its_cie != other_cie) break;
            const std::uint64_t start = bias + offset + sign_extended(fde.distance);
            // No size, and a negative one, are for others to judge.
            if (pc - start < fde.size || fde.size - 1 >= max_plain_range) break;
            if (counts != nullptr) counts->add(start, start + fde.size);
            if (start > pc) {
                last = std::min(last, start - 1);
            } else {
                first = std::max(first, start + fde.size);
            }
            offset += 4 + std::uint64_t{fde.length};
        }
        gap_ = {first, last};
        offset_ = offset;
    }

    struct Plain {
        std::uint32_t length, back;
        std::int32_t distance;
        std::uint32_t size;
    };
    template <Endian endian>
    static Plain load_plain(const std::byte* bytes) {
        return {load_unchecked<std::uint32_t>(bytes, endian),
                load_unchecked<std::uint32_t>(bytes + 4, endian),
                load_unchecked<std::int32_t>(bytes + 8, endian),
                load_unchecked<std::uint32_t>(bytes + 12, endian)};
    }
    static std::uint64_t sign_extended(std::int32_t value) {
        return static_cast<std::uint64_t>(std::int64_t{value});
    }

    // False, without a step, unless the entry is an FDE of .eh_frame with 4-byte pointers.
    bool step_over_plain() {
        const std::uint64_t rest = section_.bytes.size() - offset_;
        if (section_.is_debug_frame || rest < plain_size) return false;
        const std::byte* bytes = section_.bytes.data() + offset_;
        const Plain fde = section_.endian == Endian::little ? load_plain<Endian::little>(bytes)
                                                            : load_plain<Endian::big>(bytes);
        if (fde.length < plain_size - 4 || fde.length == long_length || fde.length > rest - 4) {
            return false;
        }
        if (fde.back == 0 || !is_plain(offset_ + 4 - fde.back)) return false;
        const std::uint64_t start =
            section_.bases.section + offset_ + 8 + sign_extended(fde.distance);
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
        if (counts_ != nullptr) counts_->add(fde->start, fde->end);
        found_.fdes.push_back(place_of(*fde));
    }

    // [start, end) does not hold the address.
    void narrow_gap(std::uint64_t start, std::uint64_t end) {
        if (start == end) return;
        if (counts_ != nullptr) counts_->add(start, end);
        if (start > pc_) {
            gap_.last = std::min(gap_.last, start - 1);
        } else {
            gap_.first = std::max(gap_.first, end);
        }
    }

    bool is_plain(std::uint64_t cie_offset) {
        if (cie_offset == plain_cies_[0] || cie_offset == plain_cies_[1]) return true;
        const Cie* cie = cies_.find(cie_offset);
        if (cie == nullptr || cie->address_size != 8 || cie->segment_size != 0 ||
            cie->fde_encoding != (dwarf::pe_pcrel | dwarf::pe_sdata4)) {
            return false;
        }
        plain_cies_ = {cie_offset, plain_cies_[0]};
        return true;
    }

    const CfiSection& section_;
    const std::uint64_t pc_;
    FdeCounts* const counts_;
    CieCache cies_;
    std::uint64_t offset_ = 0;
    // Those that were met last: functions with and without tables for exceptions take turns.
    std::array<std::uint64_t, 2> plain_cies_{no_cie, no_cie};
    FdesAt found_;
    AddressRange gap_{0, ~std::uint64_t{0}};
};

}  // namespace

FdesAt find_fdes_at(const CfiSection& section, std::uint64_t pc, FdeCounts* counts) {
    return FdeSearch(section, pc, counts).run();
}

}  // namespace fgread
