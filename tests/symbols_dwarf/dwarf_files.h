// Opening files with DWARF for tests and for inline_chains.
#pragma once

#include <optional>
#include <string>

#include "symbols/dwarf_index.h"

namespace fgread::test {

// Sections of the ELF file at `path`, which is taken as the user wrote it; nothing if it cannot be
// opened.
std::optional<DwarfSections> read_file(const std::string& path,
                                       DwarfFlavour flavour = DwarfFlavour::whole);

// An index of the file and of those that belong to it; empty paths mean there is none.
// `dwo_directory`: where .dwo files are, if not where they were written.
std::optional<DwarfIndex> open_files(const std::string& debug_file,
                                     const std::string& supplementary = {},
                                     const std::string& package = {},
                                     const std::string& dwo_directory = {});

}  // namespace fgread::test
