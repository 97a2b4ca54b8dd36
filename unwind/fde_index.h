// FdeIndex: the ways from an address to the FDEs that cover it.
//
// HeaderIndex trusts the sorted table a linker made (.eh_frame_hdr), entry by entry and only as
// far as the FDEs themselves agree. LinearIndex reads the whole section once.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "unwind/cfi.h"

namespace fgread {

// CIEs by offset, read once: a section has few, and every FDE needs one.
class CieCache {
public:
    explicit CieCache(const CfiSection& section) : section_(section) {}
    // Null if the CIE cannot be used. Valid until the next call.
    const Cie* find(std::uint64_t offset);

private:
    // A hostile section may have as many CIEs as FDEs; then the cache starts anew.
    static constexpr std::size_t max_entries = 4096;

    const CfiSection& section_;
    std::unordered_map<std::uint64_t, std::optional<Cie>> cies_;
    std::uint64_t last_offset_ = 0;
    const Cie* last_ = nullptr;
};

// The FDE at `offset`, with its CIE looked up; nothing if either is malformed.
[[nodiscard]] std::optional<Fde> read_fde_at(const CfiSection& section, std::uint64_t offset,
                                             CieCache& cies);

// Addresses from `first` to `last`, both inclusive, so that the top of the address space can be
// named. Empty if first > last.
struct AddressRange {
    std::uint64_t first = 1;
    std::uint64_t last = 0;
};

// Where an FDE is, in the section and in the address space.
struct FdePlace {
    std::uint64_t start;
    std::uint64_t end;
    std::uint64_t offset;
};

[[nodiscard]] inline FdePlace place_of(const Fde& fde) { return {fde.start, fde.end, fde.offset}; }

// Which of overlapping FDEs covers an address, for all ways to find them: the one with the largest
// start; of these the shortest; of these the last of the section. Sorts so that it comes last.
// Neither the specifications nor linkers or unwinders agree: ld refuses to make a table of such
// FDEs, lld lists one of each start, gold and mold all, as they come; of a table libgcc and
// libunwind take the last at or before the address, libdw the first it has read.
[[nodiscard]] bool inner_comes_later(const FdePlace& a, const FdePlace& b);

// Not thread-safe: the owner locks.
class FdeIndex {
public:
    // More FDEs than this cannot begin in one block of code without being empty or overlapping.
    static constexpr std::size_t max_collected = 8192;

    virtual ~FdeIndex() = default;
    // No FDE covers an address outside.
    [[nodiscard]] virtual AddressRange span() const = 0;
    // Puts the FDEs that overlap `range` into `fdes` (cleared), sorted by inner_comes_later().
    virtual void collect(AddressRange range, CieCache& cies, std::vector<Fde>& fdes) const = 0;
    // The FDE that covers `pc`, if no other begins within it or where it does, so that it wins
    // wherever it covers: the answer is then the same for all of its addresses. Else nothing.
    [[nodiscard]] virtual std::optional<Fde> find_alone(std::uint64_t pc, CieCache& cies) const = 0;
    // Of `all` FDEs of the section, by rising offset, those that collect() finds for every address
    // they cover are marked in `found`, by their place in `all`. None if some of them overlap:
    // which one wins is then for an index of all to say.
    virtual void mark_found(const std::vector<FdePlace>& all, std::vector<bool>& found) const = 0;
};

// Null if the header is not there, not of version 1, or has no table of fixed-size entries that
// ends with usable ones. O(1): looks at the first entry and the last few only.
[[nodiscard]] std::unique_ptr<FdeIndex> make_header_index(const CfiSection& eh_frame,
                                                          ByteView header,
                                                          std::uint64_t header_address);

// Linkers leave the FDEs of dropped functions in .debug_frame, with address 0.
[[nodiscard]] bool is_dropped_function(const CfiSection& section, const Fde& fde);

// Reads the section from its start to its end or first impossible length: all FDEs, by rising
// offset. Counts entries that had to be skipped in `malformed`.
[[nodiscard]] std::vector<FdePlace> scan_fdes(const CfiSection& section, std::uint64_t& malformed);

// An index of what scan_fdes found, or of a part of it. O(n log n).
[[nodiscard]] std::unique_ptr<FdeIndex> make_linear_index(const CfiSection& section,
                                                          std::vector<FdePlace> all);

}  // namespace fgread
