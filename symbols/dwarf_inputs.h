// Gathers the files that hold the debug information of one binary: its own sections or those of
// its separate debug file, dwz's supplementary file, and split DWARF.
#pragma once

#include <string>

#include "symbols/debug_file.h"
#include "symbols/dwarf_index.h"
#include "symbols/elf_image.h"

namespace fgread {

// `debug_image` is the binary itself, or its separate debug file; `debug_path` where that was
// opened, `binary_path` where the binary was (both beneath directories.symfs if `in_symfs`).
//   - .gnu_debugaltlink: beside the debug file, or by its build-id, which must be the recorded one;
//   - package: binary_path + ".dwp";
//   - .dwo files: where the compiler wrote them. Their ids are compared by DwarfIndex.
// Line tables are read if `lines` says so. The result refers to no image. Cost: reading (and
// expanding) the DWARF sections.
[[nodiscard]] DwarfInputs gather_dwarf(const ElfImage& debug_image, const std::string& debug_path,
                                       const std::string& binary_path, bool in_symfs,
                                       const DebugDirectories& directories, DwarfLines lines);

// How many bytes gather_dwarf() would keep in memory, but for dwz's file and single .dwo files,
// which are read when a unit needs them. Cost: the headers of the package are read.
[[nodiscard]] std::uint64_t gathered_dwarf_bytes(const ElfImage& debug_image,
                                                 const std::string& binary_path,
                                                 const std::string& root, DwarfLines lines);

}  // namespace fgread
