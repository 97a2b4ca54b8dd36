// Names for the stubs of a procedure linkage table: "memcpy@plt".
//
// No symbol table has them: a stub is named by the relocation of the GOT slot it jumps through.
// System V psABI for x86-64, 5.2 "Procedure Linkage Table".
#pragma once

#include <string>
#include <vector>

#include "symbols/elf_image.h"
#include "symbols/symbol_choice.h"
#include "symbols/wanted_addresses.h"

namespace fgread {

// Appends a symbol for each stub of the .plt* sections of an x86-64 image, whatever linker made
// them, with its NUL-terminated name appended to `names`; RawSymbol::name is `names_offset` plus
// the place in `names`. Nothing for stubs of functions without a name (IRELATIVE: static programs).
// Tables that no address of `wanted` (may be null: all are) is near to become one symbol without a
// name. Cost: reads .rela.plt, .dynsym and the stubs; .rela.dyn if one jumps through
// a slot that .rela.plt does not have.
void add_plt_symbols(const ElfImage& image, const WantedAddresses* wanted,
                     std::uint32_t names_offset, std::string& names,
                     std::vector<RawSymbol>& symbols);

}  // namespace fgread
