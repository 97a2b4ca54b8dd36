// A kernel module as the kernel's loader lays it out.
//
// A .ko is an object file: every section begins at 0, and its debug information waits for
// relocation. Loaded, its executable sections lie one after the other (kernel/module/main.c,
// layout_sections), which is what the addresses in a recording are relative to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace fgread {

// Where the first executable section is put. Not 0: there lies what is not placed.
inline constexpr std::uint64_t placed_module_base = 1 << 28;

// The file with
//   - its executable sections placed from `placed_module_base` on, in order, aligned; those whose
//     names begin with ".init" are not, as they are freed after loading;
//   - its symbols at their addresses there;
//   - the relocations of its debug sections (x86-64, AArch64) applied, and out of sight.
// A separate debug file gives the same layout: it keeps the headers of the sections it lacks.
// Nothing if it is not a 64-bit little-endian object file, or its tables lie outside it. Cost:
// linear in symbols and relocations.
[[nodiscard]] std::optional<std::vector<std::byte>> place_module(std::vector<std::byte> file);

}  // namespace fgread
