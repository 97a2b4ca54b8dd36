// DwarfIndex: the functions that were inlined at an address, from DWARF 2 to 5.
//
// Units are found by an index of our own (clang and rustc write no .debug_aranges); a unit's DIEs
// are walked once, when the first address in it is asked for; names are made when first needed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "perfdata/address.h"
#include "symbols/dwarf_sections.h"
#include "symbols/dwarf_stats.h"

namespace fgread {

// Inlined functions at one address, at most; the innermost are kept. Real ones reach about 60.
inline constexpr std::size_t max_inline_chain = 512;

// One function at an address. Views live as long as the index.
struct InlineFrame {
    // Empty: the DIE has no name, or (a single frame) no DIE covers the address, only a line.
    std::string_view name;
    bool is_linkage = false;  // a raw symbol name: the caller demangles
    bool inlined = false;     // into the next one
    // Only if lines were asked for and are known; otherwise empty and 0.
    std::string file;
    std::uint32_t line = 0;
    std::uint32_t column = 0;
};

// Reads a .dwo file (DwarfFlavour::split) by the path the compiler recorded, absolute unless the
// compilation directory was not. The path is untrusted: whoever implements this opens regular
// files only. May be called from several threads at once.
using OpenSplitFile = std::function<std::optional<DwarfSections>(const std::string& path)>;

// Where debug information is. read_dwarf_sections() makes sections of an ElfImage.
struct DwarfInputs {
    DwarfSections debug_file;                    // the binary, or its separate debug file
    std::optional<DwarfSections> supplementary;  // dwz: what .gnu_debugaltlink names
    std::optional<DwarfSections> package;        // .dwp, read as DwarfFlavour::split
    OpenSplitFile open_split;                    // .dwo files; empty: none are read
};

// Thread-safe: units are walked by whoever asks first, others of the same unit wait.
class DwarfIndex {
public:
    // Nothing if the file has no .debug_info. Cost: a visit per unit header, 1 us per unit; nothing
    // is walked.
    static std::optional<DwarfIndex> open(DwarfInputs inputs);

    DwarfIndex(DwarfIndex&&) noexcept;
    DwarfIndex& operator=(DwarfIndex&&) noexcept;
    ~DwarfIndex();

    // Fills `out` with the functions at `pc`, innermost first, the subprogram last; empty if no
    // DIE covers it. `pc` is an address inside the instruction: for callers, return address - 1.
    // Cost: some binary searches, below 100 ns; the first in a unit walks it. `want_lines` reads
    // the unit's line table on first use, and costs a string per frame.
    void chain(Svma pc, bool want_lines, std::vector<InlineFrame>& out) const;

    [[nodiscard]] DwarfStats stats() const;

private:
    struct State;
    explicit DwarfIndex(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace fgread
