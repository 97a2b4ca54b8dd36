// Split DWARF (DWARF 5, 7.3.2): debug information left beside the object files (.dwo), or collected
// in one package (.dwp). The binary itself has a skeleton unit with the addresses.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "symbols/dwarf_sections.h"
#include "symbols/dwarf_units.h"

namespace fgread {

// A package: an index from DWO ids to parts of the sections. Immutable: share it between threads.
class DwarfPackage {
public:
    // The sections of a .dwp, read as DwarfFlavour::split.
    explicit DwarfPackage(DwarfSections sections);

    // The sections as the unit of that id sees them; nothing if it is not in the package.
    [[nodiscard]] std::optional<DwarfSections> find(std::uint64_t dwo_id) const;

private:
    [[nodiscard]] std::optional<std::uint32_t> find_row(std::uint64_t dwo_id) const;
    [[nodiscard]] std::uint64_t word(std::uint64_t offset) const;

    DwarfSections sections_;
    std::uint64_t version_ = 0;
    std::uint64_t columns_ = 0;
    std::uint64_t units_ = 0;
    std::uint64_t slots_ = 0;  // a power of two; 0: no index, or a damaged one
};

// The path of the .dwo file of a skeleton unit.
[[nodiscard]] std::string split_file_path(const DwarfUnit& skeleton);

}  // namespace fgread
