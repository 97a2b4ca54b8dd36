// MiniDebugInfo: the symbols that Fedora and its relatives leave in stripped binaries.
#pragma once

#include <optional>

#include "symbols/elf_image.h"

namespace fgread {

// The ELF file inside .gnu_debugdata, an xz stream: a .symtab of the functions that the binary's
// .dynsym does not have, and section headers (GDB manual, "MiniDebugInfo"). Nothing if there is
// none, or it is damaged, for another machine, or larger than any real one. Cost: 10 ns per byte
// of it. Thread-safe.
[[nodiscard]] std::optional<ElfImage> read_mini_debug_info(const ElfImage& binary);

}  // namespace fgread
